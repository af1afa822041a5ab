//! What the machine has of what Rota needs, and which variables steer it.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

/// The variables that decide which driver and device programs use, what they log and tell, and where the cache lies.
const VARIABLES: [&str; 8] = [
    "VK_DRIVER_FILES",
    "VK_ICD_FILENAMES",
    "ROTA_DEVICE",
    "ROTA_LOG",
    "ROTA_CACHE_DIR",
    "ROTA_RECORD",
    "ROTA_CAPTURE",
    "ROTA_METRICS_SOCKET",
];

const LOADER: &str = "libvulkan.so.1";
const VALIDATION_LAYER: &str = "VK_LAYER_KHRONOS_validation";

pub struct Environment {
    /// `VARIABLES` with their values.
    pub variables: Vec<(&'static str, Option<String>)>,
    /// Where the Vulkan loader's library lies, or why it can't be loaded.
    pub loader: Result<PathBuf, String>,
    /// The files that tell the loader of drivers.
    pub driver_files: Vec<PathBuf>,
    pub validation_layer: Option<PathBuf>,
    pub spirv_val: Option<PathBuf>,
    pub cache: Cache,
}

/// The folder of the pipeline cache.
pub struct Cache {
    /// None where no variable tells of any.
    pub folder: Option<PathBuf>,
    /// Files in it, and their bytes.
    pub files: usize,
    pub bytes: u64,
    /// Why nothing can be stored there.
    pub problem: Option<String>,
}

/// Something that isn't there.
pub struct Missing {
    pub what: &'static str,
    /// The package that brings it, on Debian and Ubuntu.
    pub package: &'static str,
    /// Without it nothing runs; else it is only for some purpose.
    pub required: bool,
    pub purpose: &'static str,
}

impl Environment {
    pub fn look() -> Self {
        Self {
            variables: VARIABLES
                .map(|name| {
                    (
                        name,
                        env::var_os(name).map(|v| v.to_string_lossy().into_owned()),
                    )
                })
                .into(),
            loader: loader(),
            driver_files: driver_files(),
            validation_layer: validation_layer(),
            spirv_val: on_path("spirv-val"),
            cache: Cache::look(),
        }
    }

    /// What isn't there. `devices` is how many the driver shows.
    pub fn missing(&self, devices: usize) -> Vec<Missing> {
        let mut missing = Vec::new();
        let mut add = |there: bool, what, package, required, purpose| {
            if !there {
                missing.push(Missing {
                    what,
                    package,
                    required,
                    purpose,
                });
            }
        };
        let loader = self.loader.is_ok();
        add(
            loader,
            "the Vulkan loader",
            "libvulkan1",
            true,
            "opens the driver",
        );
        add(
            devices != 0,
            "a Vulkan driver",
            "mesa-vulkan-drivers",
            true,
            "runs on any machine, also without a GPU; for other GPUs the vendor's driver",
        );
        add(
            self.validation_layer.is_some(),
            "the Khronos validation layer",
            "vulkan-validationlayers",
            false,
            "for the validate option and `make test`",
        );
        add(
            self.spirv_val.is_some(),
            "spirv-val",
            "spirv-tools",
            false,
            "for `make test`",
        );
        missing
    }
}

/// Loads the loader as the runtime does, and asks the system where it came from.
fn loader() -> Result<PathBuf, String> {
    // SAFETY: loading the Vulkan loader runs its initialisers, as opening a device would.
    let library = unsafe { libloading::Library::new(LOADER) }.map_err(|e| e.to_string())?;
    let maps = fs::read_to_string("/proc/self/maps").unwrap_or_default();
    let path = maps.lines().find_map(|line| {
        let path = &line[line.find('/')?..];
        path.contains("/libvulkan.so").then(|| PathBuf::from(path))
    });
    drop(library);
    Ok(path.unwrap_or_else(|| LOADER.into()))
}

/// The driver files that the loader goes by: those that a variable names, else those in its folders.
fn driver_files() -> Vec<PathBuf> {
    // The loader knows the older name as well, where the newer isn't set.
    for variable in ["VK_DRIVER_FILES", "VK_ICD_FILENAMES"] {
        if let Some(value) = set(variable) {
            return env::split_paths(&value).collect();
        }
    }
    data_folders("vulkan/icd.d")
        .iter()
        .flat_map(|folder| json_files(folder))
        .collect()
}

fn validation_layer() -> Option<PathBuf> {
    let mut folders = match set("VK_LAYER_PATH") {
        Some(value) => env::split_paths(&value).collect(),
        None => data_folders("vulkan/explicit_layer.d"),
    };
    folders.extend(set("VK_ADD_LAYER_PATH").iter().flat_map(env::split_paths));
    let names_it =
        |file: &PathBuf| fs::read_to_string(file).is_ok_and(|text| text.contains(VALIDATION_LAYER));
    folders
        .iter()
        .flat_map(|folder| json_files(folder))
        .find(names_it)
}

/// The folders where the loader looks for files of its own, on Linux.
fn data_folders(below: &str) -> Vec<PathBuf> {
    let home = |rest: &str| set("HOME").map(|home| Path::new(&home).join(rest));
    let mut roots = Vec::new();
    roots.extend(
        set("XDG_CONFIG_HOME")
            .map(PathBuf::from)
            .or_else(|| home(".config")),
    );
    roots.extend(env::split_paths(
        &set("XDG_CONFIG_DIRS").unwrap_or("/etc/xdg".into()),
    ));
    roots.push("/etc".into());
    roots.extend(
        set("XDG_DATA_HOME")
            .map(PathBuf::from)
            .or_else(|| home(".local/share")),
    );
    roots.extend(env::split_paths(
        &set("XDG_DATA_DIRS").unwrap_or("/usr/local/share:/usr/share".into()),
    ));
    roots.iter().map(|root| root.join(below)).collect()
}

fn json_files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut files: Vec<_> = entries
        .flatten()
        .map(|e| e.path())
        .filter(|p| p.extension() == Some(OsStr::new("json")))
        .collect();
    files.sort();
    files
}

fn on_path(tool: &str) -> Option<PathBuf> {
    env::split_paths(&set("PATH")?)
        .map(|folder| folder.join(tool))
        .find(|path| path.is_file())
}

fn set(variable: &str) -> Option<std::ffi::OsString> {
    env::var_os(variable).filter(|v| !v.is_empty())
}

impl Cache {
    /// By the runtime's own rule: $ROTA_CACHE_DIR, else `rota` in the user's cache folder.
    fn look() -> Self {
        let folder = set("ROTA_CACHE_DIR")
            .map(PathBuf::from)
            .or_else(|| Some(Path::new(&set("XDG_CACHE_HOME")?).join("rota")))
            .or_else(|| Some(Path::new(&set("HOME")?).join(".cache/rota")));
        let mut cache = Self {
            folder,
            files: 0,
            bytes: 0,
            problem: None,
        };
        let Some(folder) = &cache.folder else {
            cache.problem = Some("none of ROTA_CACHE_DIR, XDG_CACHE_HOME and HOME is set".into());
            return cache;
        };
        cache.problem = cant_store(folder).map(|e| e.to_string());
        for file in fs::read_dir(folder).into_iter().flatten().flatten() {
            cache.files += 1;
            cache.bytes += file.metadata().map_or(0, |m| m.len());
        }
        cache
    }
}

/// Tries what the runtime will do: make the folder, and a file in it.
fn cant_store(folder: &Path) -> Option<std::io::Error> {
    let file = folder.join(format!("doctor.{}", std::process::id()));
    let outcome =
        fs::create_dir_all(folder).and_then(|()| fs::write(&file, b"rota doctor was here"));
    let _ = fs::remove_file(&file);
    outcome.err()
}

//! How large the library is, and what it needs.

use super::Part;
use crate::context::Context;
use crate::stats::{put, Object};
use crate::Fallible;
use std::path::PathBuf;
use std::process::Command;

pub const PART: Part = Part {
    name: "lib",
    what: "Size of the release's shared library after `strip`, and the libraries that it names as NEEDED \
           (`readelf -d`). The Vulkan loader is not among them: it is opened at run time.",
    run,
};

fn run(context: &Context) -> Fallible<Object> {
    let mut object = Object::new();
    let Some(path) = std::env::var_os("ROTA_LIB").map(PathBuf::from) else {
        return Ok(object);
    };
    if context.library.is_none() {
        return Ok(object);
    }
    let stripped = std::env::temp_dir().join(format!("rota-bench-{}.so", std::process::id()));
    let outcome = said(Command::new("strip").arg(&path).arg("-o").arg(&stripped))
        .and_then(|_| Ok(std::fs::metadata(&stripped)?.len()));
    let _ = std::fs::remove_file(&stripped);
    put(
        &mut object,
        "size_mib",
        outcome? as f64 / f64::from(1 << 20),
    );
    let dynamic = said(Command::new("readelf").arg("-d").arg(&path))?;
    let needed: Vec<&str> = dynamic
        .lines()
        .filter(|line| line.contains("(NEEDED)"))
        .filter_map(|line| line.split(['[', ']']).nth(1))
        .collect();
    object.insert("needed".into(), needed.join(", ").into());
    Ok(object)
}

fn said(command: &mut Command) -> Fallible<String> {
    let output = command.output().map_err(|e| format!("{command:?}: {e}"))?;
    if !output.status.success() {
        let why = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(format!("{command:?}: {why}").into());
    }
    Ok(String::from_utf8(output.stdout)?)
}

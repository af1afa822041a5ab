//! The tool, as tests run it, and where they put what they make.

#![allow(
    dead_code,
    reason = "each test is a program of its own that uses some of it"
)]

use std::borrow::BorrowMut;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

pub fn tmp() -> &'static Path {
    Path::new(env!("CARGO_TARGET_TMPDIR"))
}

/// A new folder, which goes with what is given.
pub fn folder() -> tempfile::TempDir {
    tempfile::tempdir_in(tmp()).unwrap()
}

/// Where all tests of the tool keep compiled pipelines.
pub fn cache() -> PathBuf {
    tmp().join("tool")
}

/// The tool, to be run with these arguments: on the driver of the tests (scripts/test.sh), and with a cache of their own.
pub fn rota(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rota"));
    command
        .args(arguments)
        .env_remove("ROTA_DEVICE")
        .env("ROTA_CACHE_DIR", cache())
        .stdin(Stdio::null());
    command
}

/// How it ended, and what it said on stdout and stderr.
pub fn run(mut command: impl BorrowMut<Command>) -> (i32, String, String) {
    let output = command.borrow_mut().output().expect("the tool was built");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    let code = output.status.code().expect("it ended by itself");
    (code, text(output.stdout), text(output.stderr))
}

//! rustc gives a cdylib no SONAME of its own; programs must ask for the ABI, not for a file name.

fn main() {
    println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,librota.so.0");
    println!("cargo:rerun-if-changed=build.rs");
}

//! Generates the Tauri context; the desktop shell's sources are in `src-tauri/`, its configuration at the root. The
//! built web UI becomes a part of the program, so its absence is said here, in words, and not by a blank window.

use std::path::Path;

fn main() {
    println!("cargo::rerun-if-changed=ui/dist");
    if !Path::new("ui/dist/index.html").is_file() {
        println!("cargo::error=the web interface is not built: ui/dist/index.html is missing");
        println!("cargo::error=run `cargo xtask run`, which builds everything, or `npm ci` and `npm run build` in ui/");
        return;
    }
    let attributes = tauri_build::Attributes::new().capabilities_path_pattern("src-tauri/capabilities/*.json");
    if let Err(error) = tauri_build::try_build(attributes) {
        println!("cargo::error=the desktop shell's configuration cannot be used: {error:#}");
    }
}

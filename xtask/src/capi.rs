//! `cargo xtask capi` installs the C API: the libraries, the headers, and what pkg-config and CMake read. `--without-models` leaves out what
//! runs models, which is half of the library. `--quick` builds them as any release is built: for trying out, and too large to ship.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::Failure;
use crate::header;

/// The profile that makes them small, in the workspace's manifest.
const SMALL: &str = "capi";
/// The one of every other program, which shares what is built for those.
const QUICK: &str = "release";

/// For pkg-config. It says where it lies, so that the folder may be moved.
const PKG_CONFIG: &str = "\
prefix=${pcfiledir}/../..
libdir=${prefix}/lib
includedir=${prefix}/include

Name: edgepos
Description: A point-of-sale terminal that keeps selling
Version: @VERSION@
Libs: -L${libdir} -ledgepos_ffi
Libs.private: -lpthread -ldl -lm
Cflags: -I${includedir}
";

/// For CMake: `find_package(edgepos)`, then `edgepos::edgepos`, or `edgepos::static` where nothing shall be loaded.
const CMAKE: &str = "\
get_filename_component(EDGEPOS_PREFIX \"${CMAKE_CURRENT_LIST_DIR}/../../..\" ABSOLUTE)
if(NOT TARGET edgepos::edgepos)
    add_library(edgepos::edgepos SHARED IMPORTED)
    set_target_properties(edgepos::edgepos PROPERTIES
        IMPORTED_LOCATION \"${EDGEPOS_PREFIX}/lib/@SHARED@\"
        INTERFACE_INCLUDE_DIRECTORIES \"${EDGEPOS_PREFIX}/include\")
    add_library(edgepos::static STATIC IMPORTED)
    set_target_properties(edgepos::static PROPERTIES
        IMPORTED_LOCATION \"${EDGEPOS_PREFIX}/lib/libedgepos_ffi.a\"
        INTERFACE_INCLUDE_DIRECTORIES \"${EDGEPOS_PREFIX}/include\"
        INTERFACE_LINK_LIBRARIES \"pthread;dl;m\")
endif()
";

const CMAKE_VERSION: &str = "\
set(PACKAGE_VERSION \"@VERSION@\")
if(PACKAGE_FIND_VERSION VERSION_EQUAL PACKAGE_VERSION)
    set(PACKAGE_VERSION_EXACT TRUE)
endif()
if(NOT PACKAGE_FIND_VERSION VERSION_GREATER PACKAGE_VERSION)
    set(PACKAGE_VERSION_COMPATIBLE TRUE)
endif()
";

/// What is asked for.
struct Asked<'a> {
    prefix: &'a str,
    models: bool,
    profile: &'static str,
}

impl<'a> Asked<'a> {
    fn of(arguments: &'a [String]) -> Result<Self, Failure> {
        let given: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let ["--prefix", prefix, options @ ..] = &given[..] else { return Err(usage()) };
        let mut asked = Self { prefix, models: true, profile: SMALL };
        for option in options {
            match *option {
                "--without-models" => asked.models = false,
                "--quick" => asked.profile = QUICK,
                _ => return Err(usage()),
            }
        }
        Ok(asked)
    }
}

/// `arguments` are those behind `capi`.
///
/// # Errors
/// When they are not `--prefix FOLDER [--without-models] [--quick]`, the libraries cannot be built, or the folder cannot be written.
pub fn run(arguments: &[String]) -> Result<(), Failure> {
    let asked = Asked::of(arguments)?;
    let root = crate::root();
    install(&root, &build(&root, &asked)?, Path::new(asked.prefix))
}

fn usage() -> Failure {
    Failure::Usage("usage: cargo xtask capi --prefix FOLDER [--without-models] [--quick] (on Linux)".into())
}

/// The name under which a program asks for the shared library: it has the number of the interface, as the header says it.
fn shared(root: &Path) -> Result<String, Failure> {
    let path = root.join(header::PATH);
    let text = fs::read_to_string(&path).map_err(Failure::at(&path))?;
    let number = text.lines().find_map(|line| line.strip_prefix("#define EDGEPOS_ABI "));
    let number = number.ok_or(Failure::Stale { path: header::PATH, remedy: "cargo xtask header" })?;
    Ok(format!("libedgepos_ffi.so.{number}"))
}

/// Builds the libraries, the shared one under the name that programs ask for; where they are.
fn build(root: &Path, asked: &Asked<'_>) -> Result<PathBuf, Failure> {
    let mut cargo = Command::new("cargo");
    cargo.current_dir(root);
    cargo.args(["rustc", "--profile", asked.profile, "--locked", "-p", "edgepos-ffi", "--lib"]);
    if !asked.models {
        cargo.arg("--no-default-features");
    }
    cargo.args(["--crate-type", "staticlib,cdylib", "--"]);
    cargo.arg(format!("-Clink-arg=-Wl,-soname,{}", shared(root)?));
    let status = cargo.status().map_err(Failure::at(root))?;
    if !status.success() {
        return Err(Failure::Program { call: format!("{cargo:?}"), status });
    }
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    Ok(target.join(asked.profile))
}

/// Copies the libraries of `built` and the headers to where a system has them below `prefix`.
///
/// # Errors
/// When a file cannot be read or written.
pub fn install(root: &Path, built: &Path, prefix: &Path) -> Result<(), Failure> {
    let shared = shared(root)?;
    let (lib, include) = (prefix.join("lib"), prefix.join("include"));
    let (pkg_config, cmake) = (lib.join("pkgconfig"), lib.join("cmake/edgepos"));
    for folder in [&include, &pkg_config, &cmake] {
        fs::create_dir_all(folder).map_err(Failure::at(folder))?;
    }
    let copies = [
        (root.join("edgepos-ffi/include/edgepos.h"), include.join("edgepos.h")),
        (root.join("bindings/cpp/edgepos.hpp"), include.join("edgepos.hpp")),
        (built.join("libedgepos_ffi.a"), lib.join("libedgepos_ffi.a")),
        (built.join("libedgepos_ffi.so"), lib.join(&shared)),
    ];
    for (from, to) in copies {
        fs::copy(&from, &to).map_err(Failure::at(&from))?;
    }
    // What a linker looks for leads to what programs ask for.
    let link = lib.join("libedgepos_ffi.so");
    let _ = fs::remove_file(&link);
    link_to(&shared, &link)?;
    let filled =
        |text: &str| text.replace("@VERSION@", env!("CARGO_PKG_VERSION")).replace("@SHARED@", &shared);
    for (path, text) in [
        (pkg_config.join("edgepos.pc"), PKG_CONFIG),
        (cmake.join("edgepos-config.cmake"), CMAKE),
        (cmake.join("edgepos-config-version.cmake"), CMAKE_VERSION),
    ] {
        fs::write(&path, filled(text)).map_err(Failure::at(&path))?;
    }
    Ok(())
}

#[cfg(unix)]
fn link_to(target: &str, link: &Path) -> Result<(), Failure> {
    std::os::unix::fs::symlink(target, link).map_err(Failure::at(link))
}

#[cfg(not(unix))]
fn link_to(_: &str, _: &Path) -> Result<(), Failure> {
    Err(usage())
}

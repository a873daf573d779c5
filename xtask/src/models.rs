//! `cargo xtask models`: makes, signs and verifies sets of models, with the very code that a till checks them with.
//!
//! Signatures are in the format of minisign, so that its own programs can make and verify them as well.

use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};

use edgepos_inference::{
    MANIFEST_FILE, Manifest, ModelEntry, SIGNATURE_FILE, Sha256, TrustedKey, check_signature,
};

use crate::Failure;

const USAGE: &str = "usage: cargo xtask models COMMAND
  check [--dir DIR]                               every file has the size and digest that the manifest says
  seal [--dir DIR]                                write the sizes and digests of the files into the manifest
  keygen --out NAME                               make NAME.key (keep it secret) and NAME.pub
  sign --key FILE [--dir DIR]                     sign the manifest, after a check
  verify --pub FILE [--dir DIR]                   check, and the signature as well
  bundle --key FILE --serial N --out DIR [--dir DIR]
                                                  copy what the manifest names to a new directory, numbered and signed
DIR is models/ of the checkout unless given. The environment variable MINISIGN_PASSWORD opens an encrypted key, and
makes keygen encrypt.";

/// The variable with the password of an encrypted key. Without it keys are expected, and made, unencrypted.
const PASSWORD: &str = "MINISIGN_PASSWORD";

/// Does what `args` say and reports it on the terminal.
///
/// # Errors
/// [`Failure`]: what is wrong, with the file's name; or how the command is used.
pub fn run(args: &[String]) -> Result<(), Failure> {
    let (command, options) = args.split_first().ok_or_else(usage)?;
    let options = Options::parse(options)?;
    let password = std::env::var(PASSWORD).ok();
    let dir = options.dir.clone().unwrap_or_else(|| crate::root().join("models"));
    match command.as_str() {
        "check" => {
            check(&dir).map(|manifest| println!("{} models, all files as stated", manifest.models.len()))
        }
        "seal" => seal(&dir),
        "keygen" => keygen(options.out()?, password),
        "sign" => sign(&dir, options.key()?, password),
        "verify" => verify(&dir, options.public.as_deref().ok_or_else(usage)?),
        "bundle" => bundle(&dir, options.out()?, options.key()?, options.serial.ok_or_else(usage)?, password),
        _ => Err(usage()),
    }
}

#[derive(Default)]
struct Options {
    dir: Option<PathBuf>,
    out: Option<PathBuf>,
    key: Option<PathBuf>,
    public: Option<PathBuf>,
    serial: Option<u64>,
}

impl Options {
    fn parse(args: &[String]) -> Result<Self, Failure> {
        let mut options = Self::default();
        for pair in args.chunks(2) {
            let [name, value] = pair else { return Err(misused(&format!("{} needs a value", pair[0]))) };
            match name.as_str() {
                "--dir" => options.dir = Some(value.into()),
                "--out" => options.out = Some(value.into()),
                "--key" => options.key = Some(value.into()),
                "--pub" => options.public = Some(value.into()),
                "--serial" => {
                    let number =
                        value.parse().map_err(|_| misused(&format!("--serial {value} is not a number")))?;
                    options.serial = Some(number);
                }
                _ => return Err(misused(&format!("there is no option {name}"))),
            }
        }
        Ok(options)
    }

    fn key(&self) -> Result<&Path, Failure> {
        self.key.as_deref().ok_or_else(usage)
    }

    fn out(&self) -> Result<&Path, Failure> {
        self.out.as_deref().ok_or_else(usage)
    }
}

fn usage() -> Failure {
    Failure::Usage(USAGE.to_owned())
}

fn misused(what: &str) -> Failure {
    Failure::Usage(format!("{what}\n{USAGE}"))
}

fn check(dir: &Path) -> Result<Manifest, Failure> {
    let manifest = Manifest::read(dir).map_err(Failure::models)?;
    for (file, optional) in manifest.models.iter().flat_map(ModelEntry::files) {
        if optional && !dir.join(&file.file).exists() {
            continue;
        }
        file.read(dir).map_err(Failure::models)?;
    }
    Ok(manifest)
}

fn seal(dir: &Path) -> Result<(), Failure> {
    let mut manifest = Manifest::read(dir).map_err(Failure::models)?;
    for entry in &mut manifest.models {
        for (file, optional) in entry.files_mut() {
            let path = dir.join(&file.file);
            let bytes = match fs::read(&path) {
                Ok(bytes) => bytes,
                Err(error) if error.kind() == std::io::ErrorKind::NotFound && optional => continue,
                Err(error) => return Err(Failure::at(&path)(error)),
            };
            (file.bytes, file.sha256) = (bytes.len() as u64, Sha256::of(&bytes));
        }
    }
    write_manifest(dir, &manifest)
}

fn write_manifest(dir: &Path, manifest: &Manifest) -> Result<(), Failure> {
    let mut text = serde_json::to_vec_pretty(manifest).map_err(Failure::models)?;
    text.push(b'\n');
    Manifest::parse(&text).map_err(Failure::models)?;
    let path = dir.join(MANIFEST_FILE);
    fs::write(&path, text).map_err(Failure::at(&path))
}

fn keygen(name: &Path, password: Option<String>) -> Result<(), Failure> {
    let pair = match password {
        Some(password) => minisign::KeyPair::generate_encrypted_keypair(Some(password)),
        None => minisign::KeyPair::generate_unencrypted_keypair(),
    };
    let pair = pair?;
    let secret = pair.sk.to_box(Some("signs models"))?.into_string();
    let public = pair.pk.to_box()?.into_string();
    for (ending, text) in [("key", secret), ("pub", public)] {
        let path = name.with_extension(ending);
        if path.exists() {
            return Err(Failure::Exists { path, why: "a key is not overwritten" });
        }
        write_private(&path, &text, ending == "key").map_err(Failure::at(&path))?;
        println!("{}", path.display());
    }
    Ok(())
}

#[cfg(unix)]
fn write_private(path: &Path, text: &str, private: bool) -> std::io::Result<()> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let mode = if private { 0o600 } else { 0o644 };
    fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?.write_all(text.as_bytes())
}

#[cfg(not(unix))]
fn write_private(path: &Path, text: &str, _: bool) -> std::io::Result<()> {
    fs::write(path, text)
}

fn secret_key(path: &Path, password: Option<String>) -> Result<minisign::SecretKey, Failure> {
    let text = fs::read_to_string(path).map_err(Failure::at(path))?;
    let wrong = |source: minisign::PError| Failure::Key { path: path.to_path_buf(), source };
    let sealed = minisign::SecretKeyBox::from_string(&text).map_err(wrong)?;
    match password {
        Some(password) => sealed.into_secret_key(Some(password)),
        None => sealed.into_unencrypted_secret_key(),
    }
    .map_err(wrong)
}

fn sign(dir: &Path, key: &Path, password: Option<String>) -> Result<(), Failure> {
    let manifest = check(dir)?;
    let text = Manifest::read_text(dir).map_err(Failure::models)?;
    let key = secret_key(key, password)?;
    let comment = format!("serial {} of {} models", manifest.serial, manifest.models.len());
    let signature = minisign::sign(None, &key, Cursor::new(&text), Some(&comment), Some("models of a till"))?;
    let path = dir.join(SIGNATURE_FILE);
    fs::write(&path, signature.into_string()).map_err(Failure::at(&path))?;
    // As a till sees it: what cannot be verified must not be published.
    let public = minisign::PublicKey::from_secret_key(&key)?;
    let public = TrustedKey::parse(&public.to_base64()).map_err(Failure::models)?;
    verify_with(dir, &public)
}

fn verify(dir: &Path, public: &Path) -> Result<(), Failure> {
    let text = fs::read_to_string(public).map_err(Failure::at(public))?;
    verify_with(dir, &TrustedKey::parse(&text).map_err(Failure::models)?)
}

fn verify_with(dir: &Path, key: &TrustedKey) -> Result<(), Failure> {
    let text = Manifest::read_text(dir).map_err(Failure::models)?;
    let path = dir.join(SIGNATURE_FILE);
    let signature = fs::read_to_string(&path).map_err(Failure::at(&path))?;
    check_signature(&text, &signature, std::slice::from_ref(key)).map_err(Failure::models)?;
    let manifest = check(dir)?;
    println!("serial {}, {} models, all files as stated, signed", manifest.serial, manifest.models.len());
    Ok(())
}

fn bundle(from: &Path, to: &Path, key: &Path, serial: u64, password: Option<String>) -> Result<(), Failure> {
    let mut manifest = check(from)?;
    if to.exists() {
        return Err(Failure::Exists { path: to.to_path_buf(), why: "a bundle is made anew" });
    }
    manifest.serial = serial;
    for (file, optional) in manifest.models.iter().flat_map(ModelEntry::files) {
        let (source, target) = (from.join(&file.file), to.join(&file.file));
        if optional && !source.exists() {
            continue;
        }
        if let Some(parent) = target.parent() {
            fs::create_dir_all(parent).map_err(Failure::at(parent))?;
        }
        fs::copy(&source, &target).map_err(Failure::at(&source))?;
    }
    write_manifest(to, &manifest)?;
    sign(to, key, password)
}

#[cfg(test)]
mod tests {
    use edgepos_inference::with_causes;

    use super::*;

    fn call(args: &[&str]) -> Result<(), String> {
        let args: Vec<_> = args.iter().map(|arg| (*arg).to_owned()).collect();
        run(&args).map_err(|failure| with_causes(&failure))
    }

    fn text(path: &Path) -> &str {
        path.to_str().expect("a temporary path is text")
    }

    #[test]
    fn the_shipped_models_are_as_their_manifest_says() {
        call(&["check"]).unwrap();
    }

    #[test]
    fn sealing_what_is_sealed_changes_nothing() {
        let models = crate::root().join("models");
        let before = fs::read_to_string(models.join(MANIFEST_FILE)).unwrap();
        let manifest = Manifest::read(&models).unwrap();
        let copy = tempfile::tempdir().unwrap();
        write_manifest(copy.path(), &manifest).unwrap();
        let after = fs::read_to_string(copy.path().join(MANIFEST_FILE)).unwrap();
        assert!(after == before, "`cargo xtask models seal` writes models/manifest.json otherwise");
    }

    #[test]
    fn a_bundle_is_signed_and_a_changed_one_or_a_stranger_is_found_out() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        for key in ["vendor", "stranger"] {
            call(&["keygen", "--out", text(&path(key))]).unwrap();
        }
        assert!(call(&["keygen", "--out", text(&path("vendor"))]).unwrap_err().contains("not overwritten"));
        let (key, public) = (path("vendor.key"), path("vendor.pub"));
        let bundle = path("bundle");
        call(&["bundle", "--key", text(&key), "--serial", "7", "--out", text(&bundle)]).unwrap();
        call(&["verify", "--pub", text(&public), "--dir", text(&bundle)]).unwrap();
        assert_eq!(Manifest::read(&bundle).unwrap().serial, 7);
        // Nothing but what the manifest names goes along.
        assert!(!bundle.join("README.md").exists() && !bundle.join("scripts").exists());
        let stranger = path("stranger.pub");
        let error = call(&["verify", "--pub", text(&stranger), "--dir", text(&bundle)]).unwrap_err();
        assert!(error.contains("not by a trusted key"), "{error}");

        let file = bundle.join("voice50_labels.txt");
        let mut bytes = fs::read(&file).unwrap();
        bytes[0] ^= 1;
        fs::write(&file, bytes).unwrap();
        let error = call(&["verify", "--pub", text(&public), "--dir", text(&bundle)]).unwrap_err();
        assert!(error.contains("voice50_labels.txt"), "{error}");
        assert!(
            call(&["sign", "--key", text(&key), "--dir", text(&bundle)]).is_err(),
            "what is damaged is not signed"
        );
        call(&["seal", "--dir", text(&bundle)]).unwrap();
        let error = call(&["verify", "--pub", text(&public), "--dir", text(&bundle)]).unwrap_err();
        assert!(error.contains("changed after signing"), "{error}");
        call(&["sign", "--key", text(&key), "--dir", text(&bundle)]).unwrap();
        call(&["verify", "--pub", text(&public), "--dir", text(&bundle)]).unwrap();
    }

    #[test]
    fn bad_usage_is_told() {
        for args in [&[][..], &["sell"], &["sign"], &["check", "--dir"], &["check", "--depth", "1"]] {
            assert!(call(args).unwrap_err().contains("usage:"), "{args:?}");
        }
    }
}

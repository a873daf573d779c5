//! What an identity's directory must be, who is renewed, and what a terminal without one may do.
#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use std::fs;
use std::path::Path;

use edgepos::core::StoreId;
use edgepos::identity::{AUTHORITY_FILE, CERTIFICATE_FILE, Identity, KEY_FILE, ROSTER_FILE};
use edgepos::{ConditionKind, Setup};
use edgepos_authority::{Authority, DeliverError, Holder, deliver};

use self::support::{STORE, Shop, in_days, now};

fn issued(folder: &Path) -> Authority {
    let mut authority = Authority::create(&folder.join("authority"), STORE, now()).unwrap();
    authority.issue(3, Holder::First, &folder.join("till-3"), now()).unwrap();
    authority
}

fn refusal(directory: &Path, store: StoreId, terminal: u16) -> String {
    Identity::read(directory, store, terminal).unwrap_err().to_string()
}

#[test]
fn what_is_wrong_is_named() {
    let folder = tempfile::tempdir().unwrap();
    issued(folder.path());
    let directory = folder.path().join("till-3");
    assert!(refusal(&directory, STORE, 4).contains("certificate.pem: is not of terminal 4"));
    assert!(refusal(&directory, StoreId([1; 16]), 3).contains("is not of terminal 3 of store 0101"));
    for file in [AUTHORITY_FILE, CERTIFICATE_FILE, KEY_FILE, ROSTER_FILE] {
        let path = directory.join(file);
        let whole = fs::read(&path).unwrap();
        for content in [Vec::new(), vec![b'x'; 100], vec![0xFF; 100_000]] {
            fs::write(&path, content).unwrap();
            assert!(refusal(&directory, STORE, 3).contains(file), "{file}");
        }
        fs::remove_file(&path).unwrap();
        assert!(refusal(&directory, STORE, 3).contains("cannot be read"), "{file}");
        fs::write(&path, whole).unwrap();
        #[cfg(unix)]
        fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    }
    Identity::read(&directory, STORE, 3).unwrap();
}

#[cfg(unix)]
#[test]
fn a_key_that_others_may_read_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    issued(folder.path());
    let directory = folder.path().join("till-3");
    for (file, mode) in
        [("till-3/key.pem", 0o600), ("authority/authority-key.pem", 0o600), ("authority", 0o700)]
    {
        let found = fs::metadata(folder.path().join(file)).unwrap().permissions().mode();
        assert_eq!(found & 0o777, mode, "{file}");
    }
    fs::set_permissions(directory.join(KEY_FILE), fs::Permissions::from_mode(0o640)).unwrap();
    assert!(refusal(&directory, STORE, 3).contains("key.pem: others may read it"));
}

#[test]
fn another_terminal_s_key_or_authority_does_not_fit() {
    let folder = tempfile::tempdir().unwrap();
    let mut authority = issued(folder.path());
    let (three, four) = (folder.path().join("till-3"), folder.path().join("till-4"));
    authority.issue(4, Holder::First, &four, now()).unwrap();
    fs::copy(four.join(KEY_FILE), three.join(KEY_FILE)).unwrap();
    assert!(refusal(&three, STORE, 3).contains("key.pem"));
    let mut other = Authority::create(&folder.path().join("other"), STORE, now()).unwrap();
    other.issue(4, Holder::First, &folder.path().join("other-4"), now()).unwrap();
    fs::copy(folder.path().join("other-4").join(ROSTER_FILE), four.join(ROSTER_FILE)).unwrap();
    assert!(refusal(&four, STORE, 4).contains("has not signed it"));
}

#[test]
fn a_certificate_is_renewed_for_who_is_on_the_roster() {
    let folder = tempfile::tempdir().unwrap();
    let mut authority = issued(folder.path());
    let path = folder.path().join("till-3").join(CERTIFICATE_FILE);
    let before = fs::read(&path).unwrap();
    // A copy without the private key will do.
    let copy = folder.path().join("copy");
    fs::create_dir(&copy).unwrap();
    fs::copy(&path, copy.join(CERTIFICATE_FILE)).unwrap();
    assert_eq!(authority.renew(&copy, in_days(300)).unwrap(), 3);
    fs::copy(copy.join(CERTIFICATE_FILE), &path).unwrap();
    assert_ne!(fs::read(&path).unwrap(), before);
    Identity::read(&folder.path().join("till-3"), STORE, 3).unwrap();
    authority.revoke(3, now()).unwrap();
    assert!(authority.renew(&copy, now()).unwrap_err().to_string().contains("not on the roster"));
}

#[test]
fn a_number_is_held_by_one_box_unless_it_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let mut authority = issued(folder.path());
    let mut issue = |name: &str, holder| {
        let key = authority.issue(3, holder, &folder.path().join(name), now());
        key.map(|_| authority.roster().members.len())
    };
    assert!(issue("a", Holder::First).is_err());
    assert!(!folder.path().join("a").exists(), "nothing half written");
    assert_eq!(issue("b", Holder::Beside).unwrap(), 2);
    assert_eq!(issue("c", Holder::InPlace).unwrap(), 1);
    assert!(issue("c", Holder::InPlace).unwrap_err().to_string().contains("is there already"));
    assert!(authority.issue(0, Holder::First, &folder.path().join("zero"), now()).is_err());
}

/// One that was put back from a copy does not number two rosters alike, and reads what it has written.
#[test]
fn versions_rise() {
    let folder = tempfile::tempdir().unwrap();
    let mut authority = issued(folder.path());
    let first = authority.roster().version;
    let copy = Authority::open(&folder.path().join("authority")).unwrap();
    assert_eq!(copy.roster(), authority.roster());
    authority.revoke(3, now()).unwrap();
    assert!(authority.roster().version > first);
    drop(copy);
    let mut later = Authority::open(&folder.path().join("authority")).unwrap();
    later.issue(3, Holder::First, &folder.path().join("later"), in_days(1)).unwrap();
    assert!(later.roster().version > authority.roster().version + 3_600);
}

fn plain(folder: &Path, more: &str) -> Setup {
    let database = folder.join("till.db");
    format!(
        "terminal = 1\nstore = \"{STORE}\"\ndatabase = {database:?}\ncloud = \"http://127.0.0.1:9\"\n{more}"
    )
    .parse()
    .unwrap()
}

#[tokio::test]
async fn without_an_identity_it_is_said_or_refused() {
    let folder = tempfile::tempdir().unwrap();
    let refused = plain(folder.path(), "listen = \"0.0.0.0:0\"\n").open().await.unwrap_err().to_string();
    assert!(refused.contains("field identity") && refused.contains("0.0.0.0:0"), "{refused}");
    assert!(!folder.path().join("till.db").exists(), "nothing was written");
    for (more, insecure) in
        [("listen = \"127.0.0.1:0\"\n", false), ("listen = \"0.0.0.0:0\"\ninsecure = true\n", true)]
    {
        let terminal = plain(folder.path(), more).open().await.unwrap();
        let conditions = terminal.node.status().await.unwrap().conditions;
        let told = conditions.iter().any(|condition| condition.kind == ConditionKind::Insecure);
        assert_eq!(told, insecure, "{more}");
        terminal.close().await.unwrap();
    }
}

#[tokio::test]
async fn a_terminal_tells_of_its_own_certificate() {
    let shop = Shop::open().await;
    let conditions = async || shop.one.node.status().await.unwrap().conditions;
    assert!(conditions().await.iter().all(|condition| condition.kind != ConditionKind::Certificate));
    let mut authority = Authority::open(&shop.directory("authority")).unwrap();
    for (terminal, made, said) in
        [(3, -300, "due to be renewed"), (4, -401, "not taken at this time"), (5, 0, "roster")]
    {
        let directory = shop.directory(&format!("till-{terminal}"));
        authority.issue(terminal, Holder::First, &directory, in_days(made)).unwrap();
        if terminal == 5 {
            authority.revoke(5, now()).unwrap();
            fs::write(directory.join(ROSTER_FILE), authority.sealed_roster()).unwrap();
        }
        let mut setup = support::setup(shop.folder.path(), terminal, &[]);
        setup.joins = Some(true);
        let opened = setup.open().await.unwrap();
        support::until(async || {
            let conditions = opened.node.status().await.unwrap().conditions;
            conditions.iter().any(|condition| {
                condition.kind == ConditionKind::Certificate && condition.about.contains(said)
            })
        })
        .await;
        opened.close().await.unwrap();
    }
}

/// What the authority has signed is not taken, and nobody is cut off for it.
#[tokio::test]
async fn a_disk_that_takes_no_roster_ends_no_connection() {
    let mut shop = Shop::open().await;
    // What is written beside the roster is a directory that is not empty.
    let in_the_way = shop.directory("till-1").join("roster.new");
    fs::create_dir_all(in_the_way.join("x")).unwrap();
    shop.authority.issue(3, Holder::First, &shop.directory("till-3"), now()).unwrap();
    deliver(&shop.authority, 2, &shop.two.address.to_string(), now()).await.unwrap();
    let told = async |shop: &Shop| {
        let conditions = shop.one.node.status().await.unwrap().conditions;
        conditions.iter().any(|condition| {
            condition.kind == ConditionKind::Certificate && condition.about.contains("cannot be written")
        })
    };
    support::until(async || told(&shop).await).await;
    shop.sells().await;
    assert_eq!(shop.connected_to_one().await, [2]);
    fs::remove_dir_all(&in_the_way).unwrap();
    deliver(&shop.authority, 1, &shop.one.address.to_string(), now()).await.unwrap();
    support::until(async || !told(&shop).await).await;
}

/// What was signed while the authority's clock was ten years ahead has a version of then. The next of the same directory counts on from it and
/// is taken; one of a copy of before does not get there for ten years, and says so.
#[tokio::test]
async fn a_roster_of_a_clock_that_was_ahead_does_not_lock_its_authority_out() {
    let mut shop = Shop::open().await;
    let (whole, copy) = (shop.directory("authority"), shop.directory("copy"));
    fs::create_dir(&copy).unwrap();
    for file in fs::read_dir(&whole).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), copy.join(file.file_name())).unwrap();
    }
    let address = shop.one.address.to_string();
    let before = shop.authority.roster().version;
    shop.authority.issue(3, Holder::First, &shop.directory("till-3"), in_days(3_650)).unwrap();
    let ahead = shop.authority.roster().version;
    assert!(ahead > before + 300_000_000, "{before} and {ahead} are seconds");
    deliver(&shop.authority, 1, &address, now()).await.unwrap();
    // The clock is right again.
    shop.authority.revoke(3, now()).unwrap();
    assert_eq!(shop.authority.roster().version, ahead + 1);
    deliver(&shop.authority, 1, &address, now()).await.unwrap();
    shop.sells().await;
    let mut old = Authority::open(&copy).unwrap();
    old.revoke(2, now()).unwrap();
    let refused = deliver(&old, 1, &address, now()).await.unwrap_err();
    assert!(
        matches!(refused, DeliverError::Newer { theirs, ours } if theirs == ahead + 1 && ours < ahead),
        "{refused}"
    );
    assert_eq!(shop.connected_to_one().await, [2], "a copy of before revokes nobody");
}

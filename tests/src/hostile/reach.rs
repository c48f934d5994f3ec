//! What a plugin finds that asks WASI for files, network and environment: all calls exist, none reaches anything.

use super::super::support::plugin;
use super::CALL;
use super::corpus::{At, Case, Kind, open};
use super::witness::{lines, texts};

#[test]
fn a_plugin_reaches_nothing_through_wasi() {
    let case = Case::new("reach", plugin("reach"), At::Call, Kind::Failed, "");
    let mut transform = open(&case.load().unwrap()).unwrap();
    let wanted = [
        ("environment", "0 variables"),
        ("arguments", "0 arguments"),
        ("folder", "None"),
        ("files", "0 folders"),
        ("listen", "access-denied"),
        ("connect", "access-denied"),
        ("udp", "access-denied"),
        ("names", "permanent-resolver-failure"),
    ];
    let asked = wanted.map(|(what, _)| what);
    let answer = transform.process(&CALL, &lines(&asked), asked.len()).unwrap();
    assert_eq!(texts(&answer), wanted.map(|(_, found)| found));
}

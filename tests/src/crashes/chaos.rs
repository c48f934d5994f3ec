//! Twenty cycles of `cargo xtask chaos`.

use std::path::Path;

use chaos::{Extent, Options, run};

use super::super::support::{PROGRAM, cache_folder, plugin, plugin_folder};

#[test]
fn killed_twenty_times_at_random_it_loses_nothing_and_repeats_nothing() {
    for name in ["select", "running_sum", "figures"] {
        plugin(name);
    }
    let folder = tempfile::tempdir().unwrap();
    let seed = 20_261_121;
    let options = Options {
        program: Path::new(PROGRAM).to_owned(),
        plugins: plugin_folder(),
        cache: Some(cache_folder()),
        folder: folder.path().to_owned(),
        extent: Extent::Cycles(20),
        seed,
    };
    let report = run(&options, &|progress| println!("{progress}"));
    let report = report.unwrap_or_else(|error| panic!("seed {seed}: {error:#}"));
    assert_eq!(report.num_kills, 20);
    assert!(report.num_exact > 10_000 && report.num_lines > 1_000, "{report:?}");
    println!("{report:?}");
}

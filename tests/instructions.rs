//! Operations take no more instructions than they did.

use tests::{Instructions, VALGRIND, compiler, need, skip};

#[test]
fn operations_take_no_more_instructions_than_they_did() {
    let name = "operations_take_no_more_instructions_than_they_did";
    if !need(name, &[VALGRIND, "pkg-config"]) {
        return;
    }
    let baseline = Instructions::baseline().unwrap();
    let compiler = compiler();
    if baseline.compiler != compiler {
        let missing = format!(
            "`{}`, by which the baseline was compiled, not `{compiler}`",
            baseline.compiler
        );
        return skip(name, &missing);
    }
    let now = Instructions::count();
    print!("{now}");
    let beyond = now.beyond(&baseline);
    assert!(
        beyond.is_empty(),
        "{}\nIf that is as it should be: cargo xtask bench instructions --accept",
        beyond.join("\n")
    );
}

#[test]
fn what_grew_is_named() {
    let of = |operations: &[(&str, f64)]| Instructions {
        compiler: String::new(),
        operations: operations
            .iter()
            .map(|(name, count)| ((*name).to_owned(), *count))
            .collect(),
    };
    let baseline = of(&[("a", 100.0), ("b", 100.0), ("c", 100.0), ("d", 1.0)]);
    let now = of(&[("a", 104.0), ("b", 50.0), ("c", 110.0), ("e", 1.0)]);
    assert_eq!(
        now.beyond(&baseline),
        [
            "c: 110 instructions, +10.0 % beyond the 100 of the baseline",
            "d: is only in the baseline",
            "e: is not in the baseline"
        ]
    );
}

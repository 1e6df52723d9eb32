//! Instructions of operations, beside those of the baseline in git. Of them there is no counterpart in the host's
//! kernel, whose instructions valgrind does not see.

use serde_json::{Value, json};
use tests::Instructions;

/// Counts them, prints them and adds them to the figures; they become the baseline if that is asked for.
pub(crate) fn measure(accept: bool, figures: &mut Value) {
    let now = Instructions::count();
    let baseline = Instructions::baseline();
    println!("\ninstructions an operation, by {}:", now.compiler);
    for (name, count) in &now.operations {
        let before = baseline
            .as_ref()
            .ok()
            .and_then(|it| it.operations.get(name));
        let change = before.map_or_else(
            || "not in the baseline".to_owned(),
            |before| format!("{:+.1} %", (count / before - 1.0) * 100.0),
        );
        println!("  {name:12} {count:>10.1}   {change}");
    }
    if let Ok(baseline) = baseline
        && baseline.compiler != now.compiler
    {
        println!("the baseline is of {}", baseline.compiler);
    }
    figures["instructions"] = json!(now.operations);
    if accept {
        now.accept();
        println!("These are the baseline now.");
    }
}

//! How a platform's images are run.

use super::super::super::reader::Reader;
use super::super::check_name;
use super::super::summary;
use crate::diagnostic::{Diagnostic, Spanned};
use crate::machine::{Exit, Machine, Run, User};
use crate::plan::ParamKind;
use crate::value;

/// Reads `[run]`. `images` is whether the platform has images.
pub(super) fn read(top: &mut Reader<'_>, images: bool) -> Option<Run> {
    let mut table = top.table("run")?;
    if !images {
        let message = "only images are run on a machine";
        let diagnostic = Diagnostic::new(message).primary(table.place(), "");
        table.report(diagnostic.help("a program of the host is started as it is: leave it out"));
    }
    let program = table.required_text("program");
    let package = table.required_text("package");
    let memory = memory(&mut table);
    let arguments = table.words("arguments");
    let debugger = table.words("debugger");
    let disk = table.words("disk");
    let tap = table.words("tap");
    let user = table.table("user").map(|mut user| {
        let params = user.map("params");
        let arguments = user.words("arguments");
        user.finish();
        User { params, arguments }
    });
    let exit = exit(&mut table);
    let machines = machines(&mut table);
    let run = Run {
        program: program?.value,
        package: package?.value,
        memory: memory?,
        arguments,
        debugger,
        disk,
        tap,
        user,
        exit: exit?,
        machines,
    };
    for problem in run.check() {
        table.report(problem);
    }
    table.finish();
    Some(run)
}

fn memory(table: &mut Reader<'_>) -> Option<u64> {
    let text = table.required_scalar("memory")?;
    let size = value::bytes(&text.value);
    if size.is_none() {
        let message = format!("`{}` is no amount of memory", text.value);
        let wanted = value::check(&ParamKind::Bytes, &text.value).err();
        let help = wanted.map(|wanted| format!("it takes {wanted}"));
        table.report(
            Diagnostic::new(message)
                .primary(&text.place, "")
                .maybe_help(help),
        );
    }
    size
}

fn exit(table: &mut Reader<'_>) -> Option<Exit> {
    let Some(mut exit) = table.table("exit") else {
        return Some(Exit { first: 0, step: 1 });
    };
    let first = status(&mut exit, "first", 0);
    let step = status(&mut exit, "step", 1);
    exit.finish();
    Some(Exit {
        first: first?,
        step: step?,
    })
}

fn status(table: &mut Reader<'_>, key: &'static str, least: i32) -> Option<i32> {
    let text = table.required_scalar(key)?;
    let number = text.value.parse().ok();
    let number = number.filter(|number| (least..256).contains(number));
    if number.is_none() {
        let message = format!("`{key}` is a number from {least} to 255");
        table.report(Diagnostic::new(message).primary(&text.place, ""));
    }
    number
}

/// The machines. A single one is the default.
fn machines(table: &mut Reader<'_>) -> Vec<Machine> {
    let tables = table.named_tables("machines");
    let mut machines: Vec<Machine> = tables
        .into_iter()
        .filter_map(|(name, table)| machine(name, table))
        .collect();
    if let [only] = &mut machines[..] {
        only.default = true;
    }
    let defaults = machines.iter().filter(|machine| machine.default);
    let defaults: Vec<&Spanned<String>> = defaults.map(|machine| &machine.name).collect();
    match &defaults[..] {
        [_] => {}
        [] if machines.is_empty() => {
            let message = "images are run on a machine, and none is described";
            let diagnostic = Diagnostic::new(message).primary(table.place(), "");
            table.report(diagnostic.help("add a table `[run.machines.NAME]`"));
        }
        [] => {
            let message = "no machine is the default";
            let diagnostic = Diagnostic::new(message).primary(table.place(), "");
            table.report(diagnostic.help("add `default = true` to one of them"));
        }
        [first, second, ..] => {
            let diagnostic = Diagnostic::new("two machines are the default")
                .primary(&second.place, "")
                .also(&first.place, "");
            table.report(diagnostic);
        }
    }
    machines
}

fn machine(name: Spanned<String>, mut table: Reader<'_>) -> Option<Machine> {
    check_name(&table, "the name of a machine", &name);
    let summary = summary(&mut table, "summary");
    let default = table.flag("default").is_some_and(|flag| flag.value);
    let arguments = table.words("arguments");
    let words = table.map("words");
    table.finish();
    Some(Machine {
        name,
        summary: summary?,
        default,
        arguments,
        words,
    })
}

//! How images are run: what a platform's manifest says of machines, and the command lines that come of it.
//!
//! Which program runs a machine, and what its options are called, stands in manifests alone. They hold
//! templates, one an argument; what variables there are is known here, so that a template is checked when the
//! manifest is read. Nothing here starts anything.

mod room;
mod template;

use std::collections::BTreeMap;

use serde_json::{Value, json};

pub use room::check as check_room;

use crate::command_line;
use crate::diagnostic::{Diagnostic, Spanned};
use crate::nearest;

/// How a platform's images are run.
#[derive(Clone, Debug)]
pub struct Run {
    /// The program that runs a machine.
    pub program: String,
    /// The Debian package it is in.
    pub package: String,
    /// How much memory a machine has unless the user says otherwise, in bytes.
    pub memory: u64,
    /// Templates of the arguments for every machine.
    pub arguments: Templates,
    /// Templates of the arguments that have a machine wait for a debugger; empty where it cannot.
    pub debugger: Templates,
    /// Templates of the arguments for each disk; empty where there are none.
    pub disk: Templates,
    /// Templates of the arguments for a network over a TAP device of the host; empty where there is none.
    pub tap: Templates,
    /// The network that takes no rights.
    pub user: Option<User>,
    /// What the program's exit status says of the image's exit code.
    pub exit: Exit,
    /// The machines; at least one, and exactly one is the default.
    pub machines: Vec<Machine>,
}

/// Templates of arguments.
pub type Templates = Vec<Spanned<String>>;

/// A machine.
#[derive(Clone, Debug)]
pub struct Machine {
    /// Its name.
    pub name: Spanned<String>,
    /// What it is, in a line.
    pub summary: String,
    /// Whether it is taken where none is named.
    pub default: bool,
    /// Templates of its own arguments.
    pub arguments: Templates,
    /// Words that all templates may use when it is the machine.
    pub words: BTreeMap<String, String>,
}

/// A network in which the machine reaches the host and beyond, and the host reaches ports of it.
#[derive(Clone, Debug)]
pub struct User {
    /// Parameters that configure a kernel for it.
    pub params: BTreeMap<String, String>,
    /// Templates of the arguments.
    pub arguments: Templates,
}

/// The program ends with `first + step * code`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exit {
    /// The status for code 0.
    pub first: i32,
    /// How much further the status for the next code is; at least 1.
    pub step: i32,
}

impl Exit {
    /// The image's exit code, where the status stands for one.
    pub fn code(self, status: i32) -> Option<u8> {
        let above = status.checked_sub(self.first)?;
        let code = (above % self.step == 0).then_some(above / self.step)?;
        u8::try_from(code).ok()
    }
}

/// What a machine is to have.
#[derive(Clone, Debug, Default)]
pub struct Wish {
    /// The image's path.
    pub image: String,
    /// Parameters of the kernel.
    pub params: Vec<(String, String)>,
    /// Arguments of the application.
    pub arguments: Vec<String>,
    /// How many processors.
    pub cpus: u32,
    /// How much memory, in bytes; the platform's default where nothing is said.
    pub memory: Option<u64>,
    /// Paths of files that are disks.
    pub disks: Vec<String>,
    /// The network.
    pub network: Network,
    /// The port of the host at which it waits for a debugger.
    pub debugger: Option<u16>,
}

/// What a machine's network card is connected to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Network {
    /// It has none.
    #[default]
    None,
    /// A TAP device of this name.
    Tap(String),
    /// A network that takes no rights, with these ports of the host forwarded.
    User(Vec<Forward>),
}

/// A port of the host that stands for one of the machine, over TCP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Forward {
    /// The host's, on its own addresses only.
    pub host: u16,
    /// The machine's.
    pub port: u16,
}

impl Run {
    /// The machine of this name, or the default one.
    ///
    /// # Errors
    /// That there is none.
    pub fn machine(&self, name: Option<&str>) -> Result<&Machine, Diagnostic> {
        let found = self.machines.iter().find(|machine| match name {
            Some(name) => machine.name.value == name,
            None => machine.default,
        });
        found.ok_or_else(|| {
            let name = name.unwrap_or_default();
            let known = self.machines.iter().map(|machine| &*machine.name.value);
            Diagnostic::new(format!("there is no machine `{name}`"))
                .help(nearest::advice(name, "machines", known))
        })
    }

    /// The arguments of the program.
    ///
    /// # Errors
    /// Wishes that such machines cannot fulfil.
    pub fn arguments(&self, machine: &Machine, wish: &Wish) -> Result<Vec<String>, Diagnostic> {
        let mut line = Line {
            words: &machine.words,
            arguments: Vec::new(),
        };
        let params = wish.params.iter().map(|(name, value)| (&**name, &**value));
        let words = command_line::words(params, &wish.arguments);
        let whole = json!({
            "image": wish.image,
            "command-line": command_line::line(&words)?,
            "cpus": wish.cpus,
            "memory": wish.memory.unwrap_or(self.memory),
        });
        line.add(&self.arguments, &whole);
        line.add(&machine.arguments, &whole);
        for (index, file) in wish.disks.iter().enumerate() {
            has(&self.disk, "a disk")?;
            line.add(&self.disk, &json!({ "index": index, "file": file }));
        }
        match &wish.network {
            Network::None => {}
            Network::Tap(device) => {
                has(&self.tap, "a network over a TAP device")?;
                line.add(&self.tap, &json!({ "device": device }));
            }
            Network::User(forwards) => {
                let arguments = self.user.as_ref().map_or(&[][..], |user| &user.arguments);
                has(arguments, "a network without root's rights")?;
                line.add(arguments, &user(forwards));
            }
        }
        if let Some(port) = wish.debugger {
            has(&self.debugger, "a debugger")?;
            line.add(&self.debugger, &json!({ "port": port }));
        }
        Ok(line.arguments)
    }

    /// What is wrong with the templates.
    pub(crate) fn check(&self) -> Vec<Diagnostic> {
        let whole = json!({ "image": "", "command-line": "", "cpus": 1, "memory": 1 });
        let user_arguments = self.user.iter().flat_map(|user| &user.arguments);
        let forward = Forward { host: 1, port: 1 };
        let mut found = Vec::new();
        for machine in &self.machines {
            let mut check = |templates: &mut dyn Iterator<Item = &Spanned<String>>,
                             data: &Value| {
                let data = with_words(data, &machine.words);
                found.extend(templates.filter_map(|text| template::check(text, &data, machine)));
            };
            check(&mut self.arguments.iter().chain(&machine.arguments), &whole);
            check(&mut self.disk.iter(), &json!({ "index": 0, "file": "" }));
            check(&mut self.tap.iter(), &json!({ "device": "" }));
            check(&mut user_arguments.clone(), &user(&[forward]));
            check(&mut self.debugger.iter(), &json!({ "port": 1 }));
        }
        found
    }
}

fn user(forwards: &[Forward]) -> Value {
    let forwards = forwards.iter();
    let forwards = forwards.map(|forward| json!({ "host": forward.host, "port": forward.port }));
    json!({ "forwards": forwards.collect::<Vec<_>>() })
}

fn has(templates: &[Spanned<String>], what: &str) -> Result<(), Diagnostic> {
    match templates {
        [] => Err(Diagnostic::new(format!(
            "machines of this platform cannot have {what}"
        ))),
        _ => Ok(()),
    }
}

/// A command line being made.
struct Line<'a> {
    words: &'a BTreeMap<String, String>,
    arguments: Vec<String>,
}

impl Line<'_> {
    fn add(&mut self, templates: &[Spanned<String>], data: &Value) {
        let data = with_words(data, self.words);
        let filled = templates
            .iter()
            .map(|text| template::fill(&text.value, &data));
        self.arguments.extend(filled);
    }
}

fn with_words(data: &Value, words: &BTreeMap<String, String>) -> Value {
    let mut data = data.clone();
    for (name, word) in words {
        data[name] = word.as_str().into();
    }
    data
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_stands_for_a_code_or_for_none() {
        let exit = Exit { first: 1, step: 2 };
        let codes = [1, 3, 203, 0, 2, -1].map(|status| exit.code(status));
        assert_eq!(codes, [Some(0), Some(1), Some(101), None, None, None]);
        let plain = Exit { first: 0, step: 1 };
        assert_eq!(
            (plain.code(0), plain.code(255), plain.code(256)),
            (Some(0), Some(255), None)
        );
    }
}

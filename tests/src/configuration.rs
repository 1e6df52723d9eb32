//! Configurations, built as a user builds them.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The repository's root.
pub fn repository() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent()
        .expect("tests/ is in the repository")
        .to_owned()
}

/// A configuration that was built.
pub struct Configuration {
    name: String,
}

impl Configuration {
    /// Runs `cargo xtask build` with `--name` and these arguments.
    pub fn build(name: &str, arguments: &[&str]) -> Configuration {
        let name = format!("test-{name}");
        let mut command = Command::new(env!("CARGO"));
        command
            .current_dir(repository())
            .args(["xtask", "build", "-q", "--name", &name])
            .args(arguments);
        crate::output(&mut command);
        Configuration { name }
    }

    /// Net and sockets for the host.
    pub fn net_sockets() -> Configuration {
        Configuration::build("net-sockets", &["--components", "net,sockets"])
    }

    /// The same with Unix-domain sockets.
    pub fn net_sockets_local() -> Configuration {
        let components = ["--components", "net,sockets,local"];
        Configuration::build("net-sockets-local", &components)
    }

    /// That on one virtual processor.
    pub fn net_sockets_local_up() -> Configuration {
        let components = ["--components", "net,sockets,local", "--param", "sync=up"];
        Configuration::build("net-sockets-local-up", &components)
    }

    /// Files in memory and on disks of ext4, for the host.
    pub fn files() -> Configuration {
        Configuration::build("files", &["--components", "vfs,ext4"])
    }

    /// Disks of the host, as files.
    pub fn disk() -> Configuration {
        Configuration::build("disk", &["--components", "vfs,devfs,disk"])
    }

    /// Net and sockets for the host, with an example.
    pub fn example(app: &str) -> Configuration {
        let path = format!("examples/{app}");
        Configuration::build(app, &["--components", "net,sockets", "--app", &path])
    }

    /// The tool.
    pub fn tool() -> Configuration {
        Configuration::build("tool", &["--app", "tools/rump"])
    }

    /// Where its artifacts are.
    pub fn artifacts(&self) -> PathBuf {
        repository().join("target/rump").join(&self.name)
    }

    /// Its tailored workspace.
    pub fn workspace(&self) -> PathBuf {
        repository().join("generated").join(&self.name)
    }

    /// The application it was built with.
    pub fn app(&self, name: &str) -> PathBuf {
        self.artifacts().join(name)
    }
}

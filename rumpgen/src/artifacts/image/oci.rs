//! The image for registries of containers: a folder in the layout of the Open Container Initiative (image
//! specification 1.1), with one layer that has one file, the image.
//!
//! What runs it takes the file that is the entry point and starts a machine with it; the command is the kernel's
//! command line. No times are in it, and the layer is not compressed, so that the same image gives the same bytes.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::super::{Place, checked};
use super::words;
use crate::diagnostic::Diagnostic;
use crate::plan::{App, Plan};

/// The name that the image has in the folder.
const NAME: &str = "latest";

/// Makes the folder.
pub(super) fn collect(
    place: &mut Place<'_>,
    plan: &Plan,
    app: &App,
    image: &Path,
) -> Result<(), Diagnostic> {
    let Some(how) = &plan.platform.image else {
        return Ok(());
    };
    let layer = layer(&app.image(), &checked(image, fs::read(image))?);
    let layer = checked(image, layer)?;
    let architecture = architecture(&how.target);
    let about = json!({
        "org.opencontainers.image.title": app.program,
        "org.opencontainers.image.description": format!("An image for: {}", plan.platform.summary),
    });
    let config = json!({
        "architecture": architecture,
        "os": plan.platform.name,
        "config": {
            "Entrypoint": [format!("/{}", app.image())],
            "Cmd": words(plan),
            "Labels": about,
        },
        "rootfs": { "type": "layers", "diff_ids": [digest(&layer)] },
    });
    let config = config.to_string().into_bytes();
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": descriptor("application/vnd.oci.image.config.v1+json", &config),
        "layers": [descriptor("application/vnd.oci.image.layer.v1.tar", &layer)],
        "annotations": about,
    });
    let manifest = manifest.to_string().into_bytes();
    let mut entry = descriptor("application/vnd.oci.image.manifest.v1+json", &manifest);
    entry["annotations"] = json!({ "org.opencontainers.image.ref.name": NAME });
    entry["platform"] = json!({ "architecture": architecture, "os": plan.platform.name });
    let index = json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": [entry],
    });

    let folder = format!("{}.oci", app.program);
    for blob in [&layer, &config, &manifest] {
        let name = digest(blob).replace(':', "/");
        place.bytes(&format!("{folder}/blobs/{name}"), blob)?;
    }
    place.text(&format!("{folder}/index.json"), &index.to_string())?;
    let layout = json!({ "imageLayoutVersion": "1.0.0" });
    place.text(&format!("{folder}/oci-layout"), &layout.to_string())
}

/// An archive with the one file.
fn layer(name: &str, image: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut header = tar::Header::new_ustar();
    header.set_size(image.len() as u64);
    header.set_mode(0o755);
    let mut archive = tar::Builder::new(Vec::new());
    archive.append_data(&mut header, name, image)?;
    archive.into_inner()
}

fn digest(bytes: &[u8]) -> String {
    let digits = Sha256::digest(bytes);
    let digits = digits.iter().map(|byte| format!("{byte:02x}"));
    format!("sha256:{}", digits.collect::<String>())
}

fn descriptor(kind: &str, blob: &[u8]) -> Value {
    json!({ "mediaType": kind, "digest": digest(blob), "size": blob.len() })
}

/// The architecture of a Rust target, in the words of registries, which are Go's.
fn architecture(target: &str) -> &str {
    match target.split('-').next().unwrap_or_default() {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layer_has_the_file_and_no_time() {
        let layer = layer("httpd.elf", b"image").unwrap();
        let mut archive = tar::Archive::new(&layer[..]);
        let files = archive.entries().unwrap().map(|file| {
            let file = file.unwrap();
            let header = file.header();
            assert_eq!(
                (header.mode().unwrap(), header.mtime().unwrap()),
                (0o755, 0)
            );
            (file.path().unwrap().into_owned(), file.size())
        });
        assert!(files.eq([(Path::new("httpd.elf").to_owned(), 5)]));
    }

    #[test]
    fn a_digest_is_the_one_of_the_standard() {
        // FIPS 180-2, B.1.
        let expected = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(digest(b"abc"), expected);
    }
}

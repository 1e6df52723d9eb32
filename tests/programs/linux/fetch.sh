# Makes what a Linux takes that is booted with an archive of files, in this folder: `kernel`, Debian's; `files.cpio`,
# modules of it and what is in packages; and `busybox`, to add to that. Takes patterns of modules, as one argument, and
# the packages.
set -eo pipefail
modules=$1
shift
kernel=$(apt-cache depends linux-image-amd64 | sed -n 's/.*Depends: \(linux-image-[0-9].*\)/\1/p')
apt-get -qq download "$kernel" busybox-static "$@"

# Of Linux, which is large, only what is used.
patterns=()
for module in $modules; do
    patterns+=("./lib/modules/*/kernel/$module")
done
dpkg-deb --fsys-tarfile linux-image-*.deb | tar -x --wildcards './boot/vmlinuz-*' "${patterns[@]}"
mv boot/vmlinuz-* kernel
mkdir -p root/modules
find lib/modules -name '*.ko' -exec mv {} root/modules ';'
rm linux-image-*.deb

for package in *.deb; do
    dpkg-deb -x "$package" root
done
cp root/bin/busybox .
cd root
find $(ls -d modules bin sbin lib lib64 usr 2> /dev/null) -path '*/share' -prune -o -path '*/gconv' -prune -o -path '*/boot' -prune -o -print |
    ../busybox cpio -o -H newc > ../files.cpio
cd ..
rm -r root boot lib ./*.deb

# Makes what a first domain of Xen's takes, in this folder: `kernel`, Debian's Linux; `tools.cpio`, Xen's tools with
# all they need; and `busybox`, to add to that. Takes the version of Xen.
set -eo pipefail
kernel=$(apt-cache depends linux-image-amd64 | sed -n 's/.*Depends: \(linux-image-[0-9].*\)/\1/p')
apt-get -qq download "$kernel" busybox-static libc6 libgcc-s1 liblzma5 libuuid1 libxencall1 libxendevicemodel1 \
    libxenevtchn1 libxenforeignmemory1 libxengnttab1 libxenhypfs1 "libxenmisc$1" libxenstore4 libxentoolcore1 \
    libxentoollog1 libyajl2 libzstd1 "xen-utils-$1" zlib1g

# Of Linux, which is large, only what is used.
dpkg-deb --fsys-tarfile linux-image-*.deb |
    tar -x --wildcards './boot/vmlinuz-*' './lib/modules/*/kernel/drivers/xen/*'
mv boot/vmlinuz-* kernel
mkdir -p root/modules
find lib/modules -name '*.ko' -exec mv {} root/modules ';'
rm linux-image-*.deb

for package in *.deb; do
    dpkg-deb -x "$package" root
done
cp root/bin/busybox .
cd root
find modules bin lib lib64 usr -path '*/share' -prune -o -path '*/gconv' -prune -o -path '*/boot' -prune -o -print |
    ../busybox cpio -o -H newc > ../tools.cpio
cd ..
rm -r root boot lib ./*.deb

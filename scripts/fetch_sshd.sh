#!/bin/sh
# Unpacks Debian's sshd into a folder, for the tests of git over ssh: nothing is installed, no service is
# started, no user is made. Where it cannot be had it says why, and the tests that need it are skipped.
set -u
folder=$1

say() { echo "git over ssh is not tested: $*" >&2; exit 0; }

test -x /usr/sbin/sshd && test -n "$(getent passwd sshd)" && test -d /run/sshd && exit 0
test -x "$folder/usr/sbin/sshd" && exit 0
command -v apt-get >/dev/null && command -v dpkg >/dev/null || say "sshd is not installed, and this is no Debian"

mkdir -p "$folder/packages" && cd "$folder/packages" || say "$folder cannot be written to"
fetch() { apt-get --quiet --quiet download "$@" >/dev/null 2>&1; }
if ! fetch openssh-server; then
	# A fresh machine has no lists of packages yet; only root may fetch them.
	test "$(id -u)" = 0 && apt-get --quiet --quiet update >/dev/null 2>&1
	fetch openssh-server || say "sshd is not installed, and apt-get cannot download openssh-server"
fi
# What sshd is linked with and may be missing here; and what answers it who its users are.
for package in libwrap0 libwtmpdb0 libnss-wrapper; do fetch "$package"; done
for package in ./*.deb; do dpkg --extract "$package" .. || say "$package cannot be unpacked"; done
test -x ../usr/sbin/sshd || say "the package openssh-server has no usr/sbin/sshd"

#!/bin/sh
# Turns the bare Debian tree that mmdebstrap has made into the TorchServe runtime; run by mmdebstrap, once, at its end.
# Usage: customize.sh ROOT, with RUNTIME_RECIPE (the folder of this script) and RUNTIME_SITE (the PyPI packages,
# unpacked) in the environment. Any failing step ends the build.
set -eu
root=$1
venv=/home/venv
names() { sed -e 's/#.*//' -e '/^[[:space:]]*$/d' "$1"; }
inside() { chroot "$root" "$@"; }

# 1. packages without what they depend on, and patchelf, which is only used here
debs=$root/tmp/debs
mkdir -p "$debs/patchelf"
(
  cd "$debs"
  # shellcheck disable=SC2046  # one word a package is what is wanted
  APT_CONFIG=$MMDEBSTRAP_APT_CONFIG apt-get -qq download $(names "$RUNTIME_RECIPE/packages-alone.txt")
  cd patchelf
  APT_CONFIG=$MMDEBSTRAP_APT_CONFIG apt-get -qq download patchelf
)
inside sh -c 'dpkg --force-depends --install /tmp/debs/*.deb >/tmp/dpkg.log 2>&1' || { cat "$root/tmp/dpkg.log" >&2; exit 1; }
dpkg-deb --extract "$debs"/patchelf/*.deb "$debs/patchelf"

# 2. libraries that torch names and does not use
set --
for library in $(names "$RUNTIME_RECIPE/unused-libraries.txt"); do
  set -- "$@" --remove-needed "$library"
done
# shellcheck disable=SC2016  # expanded by the shell inside
inside sh -c '/tmp/debs/patchelf/usr/bin/patchelf "$@" "$(readlink -e /usr/lib/*/libtorch_cpu.so.1.13)"' patchelf "$@"
inside ldconfig

# 3. TorchServe where upstream's image has it: a virtual environment in /home/venv that sees Debian's packages
site=$root$venv/lib/python3.11/site-packages
mkdir -p "$site" "$root$venv/bin"
printf 'home = /usr/bin\ninclude-system-site-packages = true\nversion = 3.11\n' >"$root$venv/pyvenv.cfg"
ln -s /usr/bin/python3 "$root$venv/bin/python"
ln -s python "$root$venv/bin/python3"
cp -R "$RUNTIME_SITE/." "$site/"
rm -rf "${site:?}/bin"
command_of() { # NAME MODULE FUNCTION: what pip would write, with the image's Python in the first line
  printf '#!%s/bin/python\nimport sys\nfrom %s import %s\n\nsys.exit(%s())\n' "$venv" "$2" "$3" "$3" >"$root$venv/bin/$1"
  chmod 755 "$root$venv/bin/$1"
}
command_of torchserve ts.model_server start
command_of torch-model-archiver model_archiver.model_packaging generate_model_archive
chown -R 0:0 "$root$venv"

# 4. the user that TorchServe runs as, and its folders
inside useradd --create-home --uid 1000 --user-group --shell /bin/bash model-server
inside install -d -o 1000 -g 1000 /home/model-server/tmp /home/model-server/model-store

# 5. nothing that belongs to the building machine or is only needed to install; compiled Python for a quick start
rm -rf "$debs" "$root"/tmp/* "$root"/etc/apt/sources.list "$root"/etc/apt/sources.list.d/* "$root"/var/lib/apt/lists/* \
  "$root"/var/cache/apt/* "$root"/var/cache/debconf/*-old "$root"/var/log/* "$root"/usr/share/man
find "$root/usr/lib/python3/dist-packages/numpy" -type d -name tests -prune -exec rm -rf {} +
inside "$venv/bin/python" -m compileall -q -j 0 /usr/lib/python3/dist-packages "$venv/lib" >/dev/null

# 6. the proof that nothing it uses was left out, as the user it runs as
inside setpriv --reuid 1000 --regid 1000 --clear-groups env HOME=/home/model-server PATH="$venv/bin:/usr/bin:/bin" sh -ec '
  python -c "import numpy, PIL.Image, psutil, torch, yaml, ts.torch_handler.base_handler; torch.ones(9, 9).numpy() @ numpy.ones(9)" 2>/dev/null ||
    python -c "import numpy, PIL.Image, psutil, torch, yaml, ts.torch_handler.base_handler"
  torchserve --version
  torch-model-archiver --help >/dev/null
  java -version 2>/dev/null'

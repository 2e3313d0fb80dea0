# Sourced by tools/demo and tools/test: installs what is missing from Debian's or Ubuntu's own packages, and says nothing
# where all of it is there.

packages_command="g++ cmake ninja-build libhwy-dev nlohmann-json3-dev libcli11-dev libtomlplusplus-dev libfmt-dev
  libpng-dev libjpeg-dev zlib1g-dev libutf8proc-dev"
packages_test="$packages_command ccache git libboost-context-dev libgtest-dev libbenchmark-dev libeigen3-dev"
packages_full="$packages_test clang-14 clang-tidy-14 clang-format-14 libclang-rt-14-dev"

# install_packages NAME...
install_packages() {
  local missing=() name as_root=() installed
  if ! command -v apt-get >/dev/null; then
    echo "lacuna: this is not Debian or Ubuntu: make sure that you have the equivalents of: $*" >&2
    return
  fi
  # A virtual package (libjpeg-dev on some releases) counts when something installed provides it.
  installed=$(dpkg-query -W -f='${db:Status-Status} ${Package} ${Provides}\n' 2>/dev/null | sed -n 's/^installed / /p')
  for name in "$@"; do
    grep -Eq " ${name//+/\\+}( |,|$)" <<<"$installed" || missing+=("$name")
  done
  [ ${#missing[@]} -eq 0 ] && return
  if [ "$(id -u)" != 0 ]; then
    if ! command -v sudo >/dev/null; then
      echo "lacuna: missing packages, and no sudo to install them with: ${missing[*]}" >&2
      echo "        as root: apt-get install ${missing[*]}" >&2
      return 1
    fi
    as_root=(sudo)
  fi
  echo "installing ${missing[*]}"
  # A machine that has just been made has no package lists; one that has them may go without the update.
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "${missing[@]}" \
    </dev/null >/dev/null 2>&1 ||
    { "${as_root[@]}" apt-get update -qq </dev/null &&
      "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "${missing[@]}" \
        </dev/null >/dev/null; }
}

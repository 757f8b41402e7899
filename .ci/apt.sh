# Sourced by the scripts beside it: system packages are installed where we may, and named exactly where we may not.

# need_packages WHY PACKAGE...: install them as root; otherwise print the line to type, and fail.
need_packages() {
    local why=$1 line
    shift
    line="apt-get install -y --no-install-recommends $*"
    if ! command -v apt-get >/dev/null; then
        echo "$why. Install what your system calls these Debian packages, then try again: $*" >&2
        return 1
    fi
    if [ "$(id -u)" -ne 0 ]; then
        printf '%s. Please run this line, then try again:\n\n    sudo apt-get update && sudo %s\n\n' "$why" "$line" >&2
        return 1
    fi
    echo "$why. Installing: $*"
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq && $line -qq </dev/null >/dev/null
}

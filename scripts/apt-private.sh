# Sourced by scripts that fetch packages of Debian without installing them: apt with state
# directories of its own, so that neither the machine's package lists nor what is installed changes.
# The mirror and the keyring are those of the machine's own apt sources; MIRROR= and KEYRING= in the
# environment override them. The sourcing script's log is the file $log.

# Ends the script: the reason, and what the tools last said.
die()
{
	echo "$(basename "$0"): $*" >&2
	[ -s "$log" ] && tail -n 15 "$log" >&2
	exit 1
}

# The first mirror of this machine that carries Debian itself.
find_mirror()
{
	apt-get indextargets --format '$(ORIGIN) $(REPO_URI)' 'Created-By: Packages' |
		awk '$1 == "Debian" && $2 !~ /security/ { print $2; exit }'
}

# The keyring that the machine's own sources are signed by: the first
# Signed-By of the deb822 or one-line sources, else Debian's usual place.
find_keyring()
{
	for key in $(sed -n 's/^Signed-By: *\(\/[^ ]*\).*/\1/p; s/.*signed-by=\(\/[^] ]*\).*/\1/p' \
			/etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null) \
			/usr/share/keyrings/debian-archive-keyring.gpg; do
		case $key in
		*debian*) [ -r "$key" ] && echo "$key" && return ;;
		esac
	done
}

# apt_private DIR ARCH SUITE...: prepares DIR/apt, where nothing is installed yet (DIR/apt/status
# may be filled in). After it, `apt_run TOOL ARGUMENT...` runs an apt tool there.
apt_private()
{
	command -v apt-get > /dev/null || die "no apt-get here: this needs a Debian-like machine"
	mirror=${MIRROR:-$(find_mirror)}
	[ -n "$mirror" ] || die "this machine's apt sources name no Debian mirror (set MIRROR=URL)"
	keyring=${KEYRING:-$(find_keyring)}
	[ -n "$keyring" ] || die "found no Debian archive keyring (set KEYRING=FILE)"
	apt=$1/apt apt_arch=$2
	shift 2
	mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial" "$apt/parts"
	: > "$apt/status"
	for suite in "$@"; do
		echo "deb [arch=$apt_arch signed-by=$keyring] $mirror $suite main"
	done > "$apt/sources.list"
}

apt_run()
{
	apt_tool=$1
	shift
	"$apt_tool" -o Dir::State="$apt" -o Dir::State::lists="$apt/lists" \
		-o Dir::State::status="$apt/status" -o Dir::Cache="$apt/cache" \
		-o Dir::Etc::sourcelist="$apt/sources.list" -o Dir::Etc::sourceparts="$apt/parts" \
		-o Dir::Etc::preferencesparts="$apt/parts" -o APT::Architecture="$apt_arch" \
		-o APT::Architectures::="$apt_arch" -o APT::Sandbox::User=root \
		-o APT::Update::Post-Invoke-Success::= -o Acquire::Languages=none \
		-o Acquire::Retries=3 -o Acquire::http::Timeout=60 "$@"
}

# apt_lists: reads the package lists of the suites that apt_private was given; 0 they are there, and
# fit what the suites' Release says of them.
#
# A mirror that is taking over a point release has a new Release and old lists. A suite's other name
# (trixie is `stable` for a time) has a Release of its own, which is as well signed, and may be one
# that still fits: under that name the suite is read then.
apt_lists()
{
	apt_run apt-get update >> "$log" 2>&1 && return
	cp "$apt/sources.list" "$apt/sources.named"
	for apt_alias in stable oldstable testing; do
		sed "s| \([a-z]*\)\(-[a-z-]*\)\{0,1\} main\$| $apt_alias\2 main|" \
			"$apt/sources.named" > "$apt/sources.list"
		apt_run apt-get update >> "$log" 2>&1 && apt_lists_are_of "$apt/sources.named" &&
			return
	done
	mv "$apt/sources.named" "$apt/sources.list"
	return 1
}

# Whether each list was signed as that of the suite in FILE, whatever name it was read under.
apt_lists_are_of()
{
	apt_named=$(sed -n 's|.* \([a-z-]*\) main$|\1|p' "$1" | sort -u)
	[ "$(sed -n 's/^Codename: //p' "$apt"/lists/*Release | sort -u)" = "$apt_named" ]
}

# Turns one program's --print-spec (common/cli/opt_doc.c says its lines) into a completion or a block of
# a manual page: awk -v mode=bash|zsh|fish|synopsis|env|exit|keys
# -v top=completions -f gen.awk < SPEC
BEGIN { FS = "\t" }
$1 == "program" { name = $2; brief = $5 }
$1 == "usage" { usage[++usages] = $2 }
$1 == "opt" {
	n++
	letter[n] = $2; long[n] = $3; arg[n] = $4; type[n] = $5; choices[n] = $6
	key[n] = $7; env[n] = $8; value[n] = $9; help[n] = $10
}
$1 == "word" { word[++words] = $2; wordhelp[words] = $3 }
$1 == "live" { live = $2 }
$1 == "exit" { status[++exits] = $2; meaning[exits] = $3 }
END { if (mode == "bash") bash(); else if (mode == "zsh") zsh(); else if (mode == "fish") fish()
	else if (mode == "synopsis") synopsis(); else if (mode == "env") environment()
	else if (mode == "exit") exit_status(); else if (mode == "keys") keys() }

function is_option(i) { return letter[i] != "-" || long[i] != "-" }
function takes(i) { return arg[i] != "-" }
function flags(i, s) {
	s = ""
	if (letter[i] != "-") s = "-" letter[i]
	if (long[i] != "-") s = s (s != "" ? " " : "") "--" long[i]
	return s
}
function names(i, sep, s) { s = flags(i); gsub(/ /, sep, s); return s }

# The words of the command line, each level once: "device provision" offers device, then provision.
function bash(   i, f) {
	print "# bash completion for " name "; made by `make gen`, do not edit"
	if (live) bash_live()
	print "_" name "()\n{"
	print "\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}"
	if (live) print "\tlocal words quote kept\n\t_" name "_split \"$2\"\n\tcur=${words[-1]} prev=${words[-2]}"
	print "\tCOMPREPLY=()\n\tcase $prev in"
	for (i = 1; i <= n; i++) {
		if (!is_option(i) || !takes(i)) continue
		# bash's own completion of files, which it quotes as it must, comes where there is nothing else.
		f = choices[i] != "-" ? "COMPREPLY=($(compgen -W \"" spaced(choices[i]) "\" -- \"$cur\"))" \
		    : type[i] == "dir" ? "compopt -o dirnames 2>/dev/null" : ""
		print "\t" names(i, " | ") ")" (f != "" ? " " f ";" : "") " return ;;"
	}
	print "\tesac\n\tif [[ $cur == -* ]]; then"
	printf "\t\tCOMPREPLY=($(compgen -W \""
	for (i = 1; i <= n; i++) if (is_option(i)) printf "%s%s", (i > 1 ? " " : ""), flags(i)
	print "\" -- \"$cur\"))\n\t\treturn\n\tfi"
	if (live) print "\t_" name "_live"
	else if (words) bash_words()
	print "}\ncomplete -o default -F _" name " " name
}
# What live.bash has.
function bash_live(   l) {
	while ((getline l < (top "/live.bash")) > 0) {
		gsub(/PROGRAM/, name, l)
		gsub(/LIVE/, live, l)
		print l
	}
}
function spaced(s) { gsub(/\|/, " ", s); return s }
function prefix_of(path, parts, k, p, j) {
	p = ""
	for (j = 1; j < k; j++) p = p (j > 1 ? " " : "") parts[j]
	return p
}
# after["" or "device"] = " list get ...": what may follow.
function levels(   i, k, m, parts, p) {
	for (i = 1; i <= words; i++) {
		m = split(word[i], parts, " ")
		for (k = 1; k <= m; k++) {
			p = prefix_of(word[i], parts, k)
			if (!((p, parts[k]) in seen)) {
				seen[p, parts[k]] = 1
				if (!(p in after)) order[++prefixes] = p
				after[p] = after[p] " " parts[k]
			}
		}
	}
}
function bash_words(   i) {
	levels()
	print "\tlocal path= i"
	print "\tfor ((i = 1; i < COMP_CWORD; i++)); do\n\t\t[[ ${COMP_WORDS[i]} == -* ]] || path+=${path:+ }${COMP_WORDS[i]}\n\tdone"
	print "\tcase $path in"
	for (i = 1; i <= prefixes; i++)
		print "\t'" order[i] "') COMPREPLY=($(compgen -W \"" substr(after[order[i]], 2) "\" -- \"$cur\")) ;;"
	print "\tesac"
}

function zquote(s) { gsub(/'/, "'\\''", s); gsub(/\[/, "\\[", s); gsub(/\]/, "\\]", s); gsub(/:/, "\\:", s); return s }
function zaction(i) {
	if (choices[i] != "-") return "(" spaced(choices[i]) ")"
	return type[i] == "file" ? "_files" : type[i] == "dir" ? "_files -/" : ""
}
function zone(i, flag) {
	print "\t'" (type[i] == "list" || long[i] == "verbose" ? "*" : "") flag (takes(i) && substr(flag, 2, 1) == "-" ? "=" : "") \
	    "[" zquote(help[i]) "]" (takes(i) ? ":" zquote(arg[i]) ":" zaction(i) : "") "' \\"
}
function zsh(   i) {
	print "#compdef " name "\n# made by `make gen`, do not edit"
	if (words) zsh_words()
	print "_arguments -S \\"
	for (i = 1; i <= n; i++) {
		if (letter[i] != "-") zone(i, "-" letter[i])
		if (long[i] != "-") zone(i, "--" long[i])
	}
	print words ? "\t'*::: :_" name "_words'" : "\t'*:operand:_default'"
}
function zsh_words(   i) {
	if (live) {
		zsh_live()
		return
	}
	levels()
	print "_" name "_words() {\n\tlocal path=${(j: :)words[1,CURRENT-1]}\n\tcase $path in"
	for (i = 1; i <= prefixes; i++)
		print "\t'" order[i] "') compadd --" after[order[i]] " ;;"
	print "\t*) _default ;;\n\tesac\n}"
}

# _arguments leaves only operands in `words`: the line as it was has the options that say which platform is meant.
function zsh_live() {
	print "_" name "_words() {\n\tlocal -a found\n\tlocal last=$QIPREFIX$PREFIX$compstate[quote]"
	print "\tfound=(${(f)\"$(" name " " live " -- \"${(@Q)typed[2,-2]}\" \"${(Q)last}\" 2>/dev/null)\"})"
	print "\tcompadd -S '' -- ${(M)found:#*[=@/]}\n\tcompadd -- ${found:#*[=@/]}\n}"
	print "local -a typed=(\"${(@)words[1,CURRENT]}\")"
}

function fquote(s) { gsub(/\\/, "\\\\", s); gsub(/'/, "\\'", s); return "'" s "'" }
function fish(   i) {
	print "# fish completion for " name "; made by `make gen`, do not edit"
	for (i = 1; i <= n; i++) {
		if (!is_option(i)) continue
		printf "complete -c %s", name
		if (letter[i] != "-") printf " -s %s", letter[i]
		if (long[i] != "-") printf " -l %s", long[i]
		if (choices[i] != "-") printf " -x -a %s", fquote(spaced(choices[i]))
		else if (type[i] == "file") printf " -r -F"
		else if (type[i] == "dir") printf " -x -a '(__fish_complete_directories)'"
		else if (takes(i)) printf " -x"
		print " -d " fquote(help[i])
	}
	if (live) {
		# The word up to the cursor, without its quotes, of which one may still be open.
		print "function __" name "_word\n\tfor quote in '' \\' \\\""
		print "\t\tstring unescape -- (commandline -ct)$quote\n\t\tand return\n\tend\nend"
		print "complete -c " name " -f -a " fquote("(" name " " live " -- (commandline -opc)[2..] (__" name "_word) 2>/dev/null)")
	}
	else if (words) {
		levels()
		for (i = 1; i <= prefixes; i++)
			print "complete -c " name " -n " fquote(fish_test(order[i])) " -f -a " fquote(substr(after[order[i]], 2))
	}
}
# True when the words so far, options apart, are exactly this path.
function fish_test(path) {
	return "test \"$(string match -v -- \"-*\" (commandline -opc)[2..] | string join \" \")\" = \"" path "\""
}

function mdoc(s) { gsub(/\\/, "\\e", s); return s }
# The words of one macro stay on one line there: what is in [] does.
function synopsis(   i, j, m, parts, group) {
	for (i = 1; i <= usages; i++) {
		print ".Nm"
		m = split(usage[i], parts, " ")
		group = ""
		for (j = 1; j <= m; j++) {
			group = group (group != "" ? " " : "") parts[j]
			if (gsub(/\[/, "[", group) != gsub(/\]/, "]", group)) continue
			print ".Ar " (group ~ /^[.|]/ ? "\\&" : "") mdoc(group)
			group = ""
		}
	}
}
function environment(   i, any) {
	for (i = 1; i <= n; i++) {
		if (env[i] == "-" || (env[i] in told)) continue
		told[env[i]] = 1
		if (!any++) print ".Bl -tag -width Ds"
		print ".It Ev " env[i] "\n" sentence(help[i]) (long[i] != "-" ? "; as\n.Fl -" long[i] " ." : ".")
	}
	if (any) print ".El"
}
function sentence(s) { return toupper(substr(s, 1, 1)) substr(s, 2) }
function exit_status(   i) {
	print ".Bl -tag -width \"128+n\" -compact"
	for (i = 1; i <= exits; i++) {
		if (status[i] == 128) { print ".It 128+n\nended by signal n"; continue }
		print ".It " status[i] "\n" mdoc(meaning[i])
	}
	print ".El"
}
function keys(   i) {
	for (i = 1; i <= n; i++)
		if (key[i] != "-")
			print key[i] "\t" arg[i] "\t" choices[i] "\t" value[i] "\t" help[i] "\t" env[i] "\t" type[i] "\t" name
}

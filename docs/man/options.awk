# SPDX-License-Identifier: Apache-2.0
# From what `PROGRAM --help` prints (argp's form, one line an option: see make.sh) to mdoc. Variables:
#   part   options: a list of the options; keys: the same as keys of a configuration file; about: the text above them
#   skip   options to leave out: " help usage "
function escape(text,    rest) {
	gsub(/\\/, "\\e", text)
	for (rest = text; match(rest, /[.!?] +[A-Z]/); rest = substr(rest, RSTART + RLENGTH - 1)) # a sentence, a line
		text = substr(text, 1, length(text) - length(rest) + RSTART) "\n" substr(rest, RSTART + RLENGTH - 1)
	if (text ~ /^[.']/)
		text = "\\\&" text
	return text
}

function finish_item() {
	if (text != "")
		print escape(text)
	text = ""
}

function open_list() {
	if (!is_open)
		print ".Bl -tag -width Ds"
	is_open = 1
}

function close_list() {
	finish_item()
	if (is_open)
		print ".El"
	is_open = 0
}

# "--name=VALUE", "--name[=on|off]"; letter: "-x", or empty
function item(form, letter,    name, value, is_optional) {
	letter = letter == "" ? "" : "Fl " substr(letter, 2) " , "
	name = form
	sub(/^--/, "", name)
	sub(/[[=].*/, "", name)
	value = substr(form, length(name) + 3)
	is_optional = sub(/^\[=/, "", value)
	if (is_optional)
		sub(/\]$/, "", value)
	else
		sub(/^=/, "", value)
	is_left_out = index(skip, " " name " ") > 0
	if (is_left_out)
		return
	open_list()
	if (part == "keys")
		print ".It Cm " name " = " (value == "" ? "true | false" : value)
	else if (value == "")
		print ".It " letter "Fl -" name
	else if (is_optional)
		print ".It " letter "Fl -" name " Ns Op = Ns Ar " value
	else
		print ".It " letter "Fl -" name " Ns = Ns Ar " value
}

/^Usage: / { next }
/^ +(-[^-], +)?--[a-z]/ {
	seen = 1
	if (part == "about")
		exit
	finish_item()
	line = $0
	sub(/^ +/, "", line)
	letter = line ~ /^-[^-],/ ? substr(line, 1, 2) : ""
	form = line
	sub(/^-[^-], +/, "", form)
	sub(/ .*/, "", form)
	sub(/^(-[^-], +)?[^ ]+ */, "", line)
	item(form, letter)
	text = is_left_out ? "" : line
	next
}
/^ [A-Z].*:$/ { # a heading of argp's
	if (part == "about")
		exit
	close_list()
	sub(/^ /, "")
	print ".Pp"
	print escape($0)
	seen = 1
	next
}
/^ {20}/ {
	sub(/^ +/, "")
	if (!is_left_out)
		text = text == "" ? $0 : text " " $0
	next
}
NF == 0 || /^Mandatory or optional arguments/ { next }
!seen { if (part == "about") print escape($0) }
seen && part == "options" {
	close_list()
	print ".Pp"
	print escape($0)
}
END { close_list() }

# SPDX-License-Identifier: Apache-2.0
# library_layout.awk - from a preprocessed layrub.h, one struct or enum a line, to a program that prints its binary interface
#
# The program prints the size of each struct, the offset and the size of each member, and the value of each constant.  It is made of
# the header itself, so that no member is forgotten.
BEGIN { print "#include <stddef.h>\n#include <stdio.h>\n#include \"layrub.h\"\nint main(void)\n{" }
/^struct layrub_[a-z_]* [{]/ {
	begin_body()
	printf "\tprintf(\"struct %%-40s %%4zu\\n\", \"%s\", sizeof(struct %s));\n", $2, $2
	n = split(body, declaration, ";")
	for (i = 1; i <= n; i++) {
		m = split(names_of(declaration[i]), name, ",")
		for (k = 1; k <= m; k++)
			member($2, name[k])
	}
}
/^enum (layrub_[a-z_]* )?[{] *LAYRUB_/ {
	begin_body()
	n = split(body, name, ",")
	for (i = 1; i <= n; i++) {
		sub(/=.*/, "", name[i])
		gsub(/ /, "", name[i])
		printf "\tprintf(\"%%-47s %%4d\\n\", \"%s\", (int)%s);\n", name[i], name[i]
	}
}
END { print "\treturn 0;\n}" }

function begin_body() {
	body = $0
	sub(/^[^{]*[{]/, "", body)
	sub(/[}].*/, "", body)
}

# A callback has its name in "(*name)", and commas between its arguments.
function names_of(s) {
	if (s ~ /[(][*]/) {
		sub(/.*[(][*]/, "", s)
		sub(/[)].*/, "", s)
	}
	return s
}

function member(tag, name) {
	sub(/\[.*/, "", name)
	sub(/ *$/, "", name)
	sub(/.*[ *]/, "", name)
	if (name != "")
		printf "\tprintf(\"  %%-45s %%4zu %%4zu\\n\", \"%s\", offsetof(struct %s, %s), sizeof(((struct %s *)0)->%s));\n",
		    name, tag, name, tag, name
}

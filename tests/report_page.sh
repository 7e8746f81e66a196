#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The HTML report in a browser: it needs no network and no scripts, fits wide and narrow windows, and, with scripts, describes the
# object under the pointer.
# shellcheck source=lib.sh
. "${LAYRUB_TESTS:-tests}/lib.sh"
command -v gnuplot >/dev/null 2>&1 || skip_all "gnuplot is not installed"

has() {	# NAME FILE PATTERN
	grep -e "$3" "$2" >/dev/null 2>&1
	ok $? "$1"
}

lacks() {	# NAME FILE PATTERN
	! grep -e "$3" "$2" >"$work/err" 2>&1
	ok $? "$1"
}

"$LAYRUB" plan graphs/resnet50 --device h200 --policy layrub -o "$work/plan.json" >/dev/null 2>"$work/err"
"$LAYRUB" report "$work/plan.json" -o "$work/page.html" --keep >"$work/out" 2>"$work/err"
status=$?
if grep 'built without gnuplot' "$work/err" >/dev/null; then
	skip_all "built without gnuplot"
fi
ok "$status" "a plan's page"
page=$work/page.html
has "it ends" "$page" '^</html>$'
lacks "nothing is fetched" "$page" '\(src\|href\)="\(https\{0,1\}:\)\{0,1\}//\|@import\|url('
for heading in 'The answer' 'In figures' 'Device memory over time' 'Address map' 'The three queues' 'Link use' 'Pinned host memory' \
    'What the peak is made of' 'What leaves or is made again, and why' 'The longest stalls'; do
	has "it has '$heading'" "$page" "<h2>$heading</h2>"
done
has "figures stand in it without scripts" "$page" '<svg class="wide"'
has "with the legend in words" "$page" 'activation, up to'
[ "$(wc -c <"$page")" -lt 3000000 ]
ok $? "it is below 3 MB"
for part in memory map queues link host; do
	[ -s "$page.$part.gp" ]
	ok $? "--keep leaves the script of '$part'"
done
if python3 -c '' 2>/dev/null; then
	python3 - "$page" >"$work/err" 2>&1 <<'PYTHON'
import json, re, sys
text = open(sys.argv[1], encoding="utf-8").read()
data = json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.S).group(1))
assert len(data["queues"]) == 3 and len(data["queues"][0]) > 400 and len(data["buffers"]) % 5 == 0, "data"
ids = re.findall(r'\sid=["\']([^"\']+)["\']', text)
assert len(ids) == len(set(ids)), "an id stands twice: %s" % [i for i in ids if ids.count(i) > 1][:3]
import html.parser
void = {"meta", "link", "br", "path", "use", "rect", "circle", "polygon", "polyline", "line", "input"}
class Nest(html.parser.HTMLParser):
    stack = []
    def handle_starttag(self, tag, attrs):
        if tag not in void:
            self.stack.append(tag)
    def handle_startendtag(self, tag, attrs):
        pass
    def handle_endtag(self, tag):
        assert tag in void or self.stack.pop() == tag, "</%s> at %s" % (tag, self.getpos())
nest = Nest()
nest.feed(text)
assert not nest.stack, nest.stack
PYTHON
	ok $? "its data is JSON, ids are unique, elements nest"
fi

browser=
for name in chromium chromium-browser google-chrome; do
	if [ -z "$browser" ] && command -v "$name" >/dev/null 2>&1; then
		browser=$name
	fi
done
if [ -z "$browser" ]; then
	count=$((count + 1))
	echo "ok $count - in a browser # SKIP chromium is not installed"
	echo "1..$count"
	exit 0
fi

# The actions of a reader: moving the pointer, pressing the buttons, and no need to scroll sideways.
cat >"$work/probe.html" <<'PROBE'
<script>window.addEventListener('load', function () {
	var said = [], tip = document.getElementById('tip'), narrow = innerWidth <= 700;
	['memory', 'map', 'queues', 'link', 'host'].forEach(function (id) {
		var svg = document.getElementById(id).querySelector(narrow ? 'svg.narrow' : 'svg.wide'), r = svg.getBoundingClientRect();
		svg.dispatchEvent(new PointerEvent('pointermove', { clientX: r.left + r.width * .3, clientY: r.top + r.height * .2, bubbles: true }));
		said.push(id + ': ' + (tip.hidden ? '' : tip.textContent.replace(/\n/g, ' | ')));
	});
	var wide = document.querySelector('svg.wide'), before = wide.getAttribute('viewBox'), b = document.querySelectorAll('.tools button');
	b[0].click();
	said.push('zoomed: ' + (wide.getAttribute('viewBox') !== before));
	b[2].click();
	said.push('back: ' + (wide.getAttribute('viewBox').split(' ').map(Number).join() === before.split(' ').map(Number).join()));
	said.push('shown: ' + [].filter.call(document.querySelectorAll('svg'), function (s) { return s.getBoundingClientRect().width > 0 }).length);
	said.push('sideways: ' + Math.max(0, document.documentElement.scrollWidth - innerWidth));
	said.push('loads: ' + performance.getEntriesByType('resource').filter(function (x) { return !/^data:/.test(x.name) }).length);
	var pre = document.createElement('pre');
	pre.id = 'probe';
	pre.textContent = said.join('\n');
	document.body.appendChild(pre);
});</script>
PROBE
cat "$page" "$work/probe.html" >"$work/probed.html"
for width in 1280 400; do
	timeout 120 "$browser" --headless=new --no-sandbox --disable-gpu --hide-scrollbars --user-data-dir="$work/profile" --window-size="$width,900" \
		--dump-dom "file://$work/probed.html" >"$work/dom" 2>"$work/err" </dev/null
	if ! grep '<h1>' "$work/dom" >/dev/null; then
		skip "$width pixels wide" "the browser does not run here"
		continue
	fi
	has "$width: the page's scripts run" "$work/dom" '<pre id="probe">'
	sed -n '/<pre id="probe">/,/<\/pre>/p' "$work/dom" >"$work/err"
	has "$width: memory says how much of what" "$work/err" 'memory: at .*parameter: .*in all: '
	has "$width: the map says which buffer" "$work/err" '^map: .*\( from \| by \|workspace\|free at\)'
	has "$width: the queues say which op" "$work/err" '^queues: .* ms'
	has "$width: the figures can be made larger" "$work/err" 'zoomed: true'
	has "$width: and whole again" "$work/err" 'back: true'
	has "$width: each figure is shown once" "$work/err" 'shown: 5'
	has "$width: nothing sticks out sideways" "$work/err" 'sideways: 0$'
	has "$width: nothing was loaded" "$work/err" 'loads: 0'
done
done_testing

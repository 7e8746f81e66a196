/* SPDX-License-Identifier: Apache-2.0 */
/* page.c - a page's style and script, tables and figures */
#include <config.h>
#include "sim/report/page.h"

#include <stdarg.h>
#include <string.h>

static const char style[] =
"<style>\n"
":root{color-scheme:light dark;--bg:#ffffff;--ink:#1c1f23;--soft:#5b636d;--line:#d9dde2;--tile:#f5f7f9}\n"
"@media (prefers-color-scheme:dark){:root{--bg:#15181c;--ink:#e4e7ea;--soft:#a2abb5;--line:#353b43;--tile:#1d2126}}\n"
"*{box-sizing:border-box}\n"
"body{margin:0 auto;max-width:1240px;padding:16px;background:var(--bg);color:var(--ink);"
"font:15px/1.45 system-ui,sans-serif}\n"
"h1{font-size:1.55em;line-height:1.2;margin:.2em 0;overflow-wrap:anywhere}\nh2{font-size:1.15em;margin:1.6em 0 .3em}section h2{padding-right:104px}\n"
"p{margin:.3em 0}.sub,figcaption,td:last-child{color:var(--soft)}\n"
"table{border-collapse:collapse;width:100%}caption{text-align:left;font-weight:600;padding:.4em 0}\n"
"th,td{padding:4px 10px 4px 0;text-align:left;vertical-align:top;border-top:1px solid var(--line);overflow-wrap:anywhere}\n"
"th{font-weight:500}td{overflow-wrap:normal}td:nth-child(2){white-space:nowrap;font-variant-numeric:tabular-nums;font-weight:600}\n"
".scroll{overflow-x:auto}.bar{display:block;height:9px;min-width:1px;border-radius:2px}\n"
"td.bars{width:34%}.plain td{font-weight:400!important;color:inherit!important;white-space:nowrap}.plain th{white-space:nowrap}\n"
"section{position:relative}figure{margin:0}figure svg{display:block;width:100%;height:auto;background:var(--bg);color:var(--ink)}\n"
"#map polygon,#placed polygon{shape-rendering:crispEdges}svg.narrow{display:none}figcaption{font-size:.88em;margin-top:.2em}\n"
".chips{display:flex;flex-wrap:wrap;gap:2px 16px;margin:.2em 0;padding:0;list-style:none;font-size:.9em}\n"
".chips i{display:inline-block;width:14px;height:11px;margin-right:6px;border-radius:2px}\n"
".chips i.line,.chips i.dash,.chips i.dots{height:0;width:22px;border-radius:0;border-top:2px solid;vertical-align:4px;background:none!important}\n"
".chips i.dash{border-top-style:dashed}.chips i.dots{border-top-style:dotted}\n"
".tools{position:absolute;right:0;top:-4px;display:flex;gap:4px}\n"
".tools button{font:inherit;line-height:1;width:30px;height:28px;border:1px solid var(--line);border-radius:4px;background:var(--tile);color:var(--ink);cursor:pointer}\n"
"#tip{position:fixed;z-index:2;pointer-events:none;max-width:min(340px,90vw);padding:5px 8px;border:1px solid var(--line);border-radius:4px;"
"background:var(--tile);color:var(--ink);font-size:.88em;white-space:pre-line;box-shadow:0 2px 8px #0004}\n"
"#tip[hidden]{display:none}\n"
"@media (max-width:700px){body{padding:12px;font-size:14px}svg.wide{display:none!important}svg.narrow{display:block}\n"
"table.words,table.words tbody,table.words tr{display:block}table.words td:nth-child(2){white-space:normal}table.words th,table.words td{display:inline-block;border:0;padding:1px 8px 1px 0}"
"td.bars{display:none}table.words tr{border-top:1px solid var(--line);padding:3px 0}table.words td:last-child{display:block;font-size:.92em}}\n"
"@media (prefers-color-scheme:dark){\n"
"svg [stroke=\"rgb(136,  34,  85)\"]{stroke:#ee86b4}svg [fill=\"rgb( 51,  34, 136)\"]{fill:#9a8cf0}\n"
"svg [fill=\"rgb(255, 255, 255)\"]{fill:var(--bg)}svg [stroke=\"rgb(255, 255, 255)\"]{stroke:var(--bg)}\n"
"svg [fill=\"rgb( 96,  96,  96)\"],svg [fill=\"rgb(96,96,96)\"]{fill:var(--soft)}svg [stroke=\"rgb(176, 176, 176)\"]{stroke:#596069}\n"
".c882255{border-color:#ee86b4!important}.c332288{background:#9a8cf0!important}}\n"
".c000000{border-color:currentColor!important}\n"
"@media print{.tools{display:none}}\n"
"</style>\n";

/* The text under the pointer comes from the page's own data; a figure's attributes tell where its axes lie. */
static const char script[] =
"<script>\n"
"(function(){'use strict';\n"
"var el=document.getElementById('data'),D=el?JSON.parse(el.textContent):{},tip=document.createElement('div');\n"
"tip.id='tip';tip.hidden=true;document.body.appendChild(tip);\n"
"function size(b){var u=['bytes','KiB','MiB','GiB','TiB'],i=0;while(b>=1024&&i<4){b/=1024;i++}return (i?b.toFixed(2):b)+' '+u[i]}\n"
"function ms(t){return t>=1000?(t/1000).toFixed(3)+' s':t>=1?t.toFixed(3)+' ms':(t*1000).toFixed(1)+' us'}\n"
"function at(a,n,x){var l=0,h=a.length/n-1,r=-1,m;while(l<=h){m=l+h>>1;if(a[m*n]<=x){r=m;l=m+1}else h=m-1}return r}\n"
"function tensor(t){if(t<0)return 'workspace';var i=3*t,how=D.tensors[i+1];"
"return D.kinds[D.tensors[i]]+(how?[0,' from ',' read by '][how]+D.ops[D.tensors[i+2]]:'')+' (tensor '+t+')'}\n"
"var say={\n"
"memory:function(x){var s='at '+ms(x),p=0,a,i;for(var k=0;k<D.kinds.length;k++){a=D.curves[k];i=at(a,2,x);if(i<0)continue;"
"i=a[2*i+1]-p;p+=i;if(i>0)s+='\\n'+D.kinds[k]+': '+size(i)}return s+'\\nin all: '+size(p)},\n"
"map:function(x,y){var b=D.buffers,o=y*1073741824,s='';for(var i=0;i<b.length;i+=5)if(b[i]<=x&&x<b[i+1]&&b[i+2]<=o&&o<b[i+2]+b[i+3])"
"{s+=tensor(b[i+4])+'\\n'+size(b[i+3])+' at '+size(b[i+2])+'\\nfrom '+ms(b[i])+' to '+ms(b[i+1]);break}"
"return s||'free at '+ms(x)},\n"
"queues:function(x,y){var q=2-Math.round(y),a=D.queues[q],i,s;if(!a)return '';i=at(a,4,x);if(i<0||a[4*i+1]<x)"
"return (q?'idle':'stall')+' at '+ms(x);i*=4;s=q?(q==1?'offload ':'fetch ')+tensor(a[i+2])+'\\n'+size(a[i+3])"
":D.ops[a[i+2]]+(a[i+3]?' (again: recomputed)':'');return s+'\\n'+ms(a[i])+' to '+ms(a[i+1])},\n"
"link:function(x){var s='at '+ms(x);[1,2].forEach(function(q){var a=D.queues[q],i=4*at(a,4,x);if(i>=0&&a[i+1]>=x)"
"s+='\\n'+(q==1?'out: ':'in: ')+tensor(a[i+2])+'\\n'+(a[i+3]/(a[i+1]-a[i])/1e6).toFixed(2)+' GB/s'});return s},\n"
"host:function(x){var i=at(D.host,2,x);return 'at '+ms(x)+'\\npinned: '+(i<0?'0':size(D.host[2*i+1]))},\n"
"placed:function(x,y){var b=D.placed,n=4;for(var i=0;i<b.length;i+=n)if(b[i]<=x&&x<b[i+1]&&b[i+2]<=y&&y<b[i+2]+b[i+3])"
"return 'buffer '+D.names[i/n]+'\\n'+size(b[i+3])+' at '+b[i+2]+'\\nalive in ['+b[i]+', '+b[i+1]+')';return 'free'}\n"
"};\n"
"function hide(){tip.hidden=true}\n"
"document.querySelectorAll('figure').forEach(function(f){\n"
"f.querySelectorAll('svg').forEach(function(svg){\n"
"var full=svg.getAttribute('viewBox').split(' ').map(Number),v=full.slice(),k=svg.classList.contains('wide')?0:1,"
"box=JSON.parse(f.dataset.frames||'[]')[k],drag=null;\n"
"function set(){svg.setAttribute('viewBox',v.join(' '))}\n"
"function zoom(by,cx,cy){var w=Math.min(full[2],v[2]/by),h=Math.min(full[3],v[3]/by);if(w<full[2]/200)return;\n"
"v[0]=Math.max(0,Math.min(full[2]-w,cx-(cx-v[0])*w/v[2]));v[1]=Math.max(0,Math.min(full[3]-h,cy-(cy-v[1])*h/v[3]));v[2]=w;v[3]=h;set();hide()}\n"
"function where(ev){var r=svg.getBoundingClientRect();return [v[0]+(ev.clientX-r.left)/r.width*v[2],v[1]+(ev.clientY-r.top)/r.height*v[3]]}\n"
"svg.zoom=function(by){by?zoom(by,v[0]+v[2]/2,v[1]+v[3]/2):(v=full.slice(),set())};\n"
"svg.addEventListener('dblclick',function(ev){var p=where(ev);zoom(ev.shiftKey?.5:2,p[0],p[1]);ev.preventDefault()});\n"
"svg.addEventListener('wheel',function(ev){if(!ev.ctrlKey)return;var p=where(ev);zoom(ev.deltaY<0?1.25:.8,p[0],p[1]);ev.preventDefault()},{passive:false});\n"
"svg.addEventListener('pointerdown',function(ev){if(v[2]<full[2]){drag=[ev.clientX,ev.clientY,v[0],v[1]];svg.setPointerCapture(ev.pointerId)}});\n"
"svg.addEventListener('pointerup',function(){drag=null});\n"
"svg.addEventListener('pointerleave',hide);\n"
"svg.addEventListener('pointermove',function(ev){var r,p,x,y,t;\n"
"if(drag){r=svg.getBoundingClientRect();v[0]=Math.max(0,Math.min(full[2]-v[2],drag[2]-(ev.clientX-drag[0])/r.width*v[2]));"
"v[1]=Math.max(0,Math.min(full[3]-v[3],drag[3]-(ev.clientY-drag[1])/r.height*v[3]));set();return}\n"
"if(!box||!say[f.id])return;p=where(ev);x=(p[0]/full[2]-box[0])/(box[1]-box[0]);y=(box[3]-p[1]/full[3])/(box[3]-box[2]);\n"
"if(x<0||x>1||y<0||y>1)return hide();\n"
"y=f.id=='queues'?-.55+y*3.1:y*f.dataset.y;t=say[f.id](x*f.dataset.x,y);if(!t)return hide();\n"
"tip.textContent=t;tip.hidden=false;r=tip.getBoundingClientRect();\n"
"tip.style.left=Math.max(4,Math.min(ev.clientX+14,innerWidth-r.width-6))+'px';\n"
"tip.style.top=(ev.clientY+18+r.height>innerHeight?ev.clientY-r.height-10:ev.clientY+18)+'px'});\n"
"});\n"
"var tools=document.createElement('div');tools.className='tools';\n"
"[['+',2,'larger'],['\\u2212',.5,'smaller'],['\\u21ba',0,'whole']].forEach(function(t){var b=document.createElement('button');b.type='button';"
"b.textContent=t[0];b.title=t[2]+(t[1]?' (double click, or Ctrl and wheel)':'');b.setAttribute('aria-label',t[2]);\n"
"b.addEventListener('click',function(){f.querySelectorAll('svg').forEach(function(s){s.zoom(t[1])})});tools.appendChild(b)});\n"
"f.parentNode.appendChild(tools)});\n"
"})();\n"
"</script>\n";

void
page_text(FILE *out, const char *s)
{
	for (; *s != '\0'; s++)
		switch (*s) {
		case '<':
			fputs("&lt;", out);
			break;
		case '>':
			fputs("&gt;", out);
			break;
		case '&':
			fputs("&amp;", out);
			break;
		case '"':
			fputs("&quot;", out);
			break;
		default:
			fputc((unsigned char)*s < ' ' || *s == 127 ? '?' : *s, out);
		}
}

/* Escapes every character that could end the script around the string. */
void
page_json_string(FILE *out, const char *s)
{
	fputc('"', out);
	for (; *s != '\0'; s++)
		if (strchr("\"\\<>&", *s) != NULL || (unsigned char)*s < ' ')
			fprintf(out, "\\u%04x", (unsigned char)*s);
		else
			fputc(*s, out);
	fputc('"', out);
}

void
page_begin(FILE *out, const char *title, const char *subtitle)
{
	fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
	    "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n<title>", out);
	page_text(out, title);
	fprintf(out, "</title>\n<link rel=\"icon\" href=\"data:,\">\n%s</head>\n<body>\n<h1>", style);
	page_text(out, title);
	fputs("</h1>\n<p class=\"sub\">", out);
	page_text(out, subtitle);
	fputs("</p>\n", out);
}

void
page_end(FILE *out)
{
	fprintf(out, "<p class=\"sub\">made by " PACKAGE_NAME " " PACKAGE_VERSION "</p>\n%s</body>\n</html>\n", script);
}

void
page_table_begin(FILE *out, const char *caption)
{
	fprintf(out, "<h2>%s</h2>\n<table class=\"words\">\n<tbody>\n", caption);
}

void
page_row(FILE *out, const char *label, const char *value, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	fprintf(out, "<tr><th scope=\"row\">%s</th><td>", label);
	page_text(out, value);
	fputs("</td><td>", out);
	page_text(out, text);
	fputs("</td></tr>\n", out);
}

void
page_table_end(FILE *out)
{
	fputs("</tbody>\n</table>\n", out);
}

static void
put_chips(FILE *out, const struct page_figure *f)
{
	if (f->chip_count == 0)
		return;
	fputs("<ul class=\"chips\">\n", out);
	for (uint32_t i = 0; i < f->chip_count; i++) {
		const struct page_chip *c = &f->chips[i];

		fprintf(out, "<li><i class=\"%s c%s\" style=\"background:%s;border-color:%s\"></i>", c->style, c->colour + 1, c->colour, c->colour);
		page_text(out, c->text);
		fputs("</li>\n", out);
	}
	fputs("</ul>\n", out);
}

int
page_figure(FILE *out, const struct page_figure *f, struct err *e)
{
	fprintf(out, "<section>\n<h2>%s</h2>\n", f->heading);
	put_chips(out, f);
	fprintf(out, "<figure id=\"%s\"", f->id);
	if (f->x_end > 0) {
		fprintf(out, " data-x=\"%.9g\" data-y=\"%.9g\" data-frames=\"[", f->x_end, f->y_top);
		for (int k = 0; k < 2; k++)
			fprintf(out, "%s[%.6g,%.6g,%.6g,%.6g]", k > 0 ? "," : "", f->frame[k][0], f->frame[k][1], f->frame[k][2], f->frame[k][3]);
		fputs("]\"", out);
	}
	fputs(">\n", out);
	if (gnuplot_embed(out, &f->wide, "wide", e) < 0 || gnuplot_embed(out, &f->narrow, "narrow", e) < 0)
		return -1;
	if (f->caption != NULL) {
		fputs("<figcaption>", out);
		page_text(out, f->caption);
		fputs("</figcaption>\n", out);
	}
	fputs("</figure>\n</section>\n", out);
	return 0;
}

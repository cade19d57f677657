'use strict';
// The page of virtmap receive. Everything that comes from a message is put into the page as
// text; its HTML is shown in a frame that has a policy and a sandbox of its own.

const byId = id => document.getElementById(id);
const own = '/api/virtmap/v1/';
let open = '', tab = '', version = -1, all = false, showing = null, views = {};

// make returns an element with a text and children.
function make(tag, text, ...children) {
	const e = document.createElement(tag);
	if (text !== undefined && text !== null) e.textContent = text;
	e.append(...children);
	return e;
}

async function ask(path, options) {
	const reply = await fetch(path, options);
	if (!reply.ok) throw new Error(await reply.text());
	return reply;
}
const json = async path => (await ask(path)).json();
const text = async path => (await ask(path)).text();
const person = a => a.Name ? a.Name + ' <' + a.Address + '>' : a.Address;
const people = list => list.map(person).join(', ');
const count = (n, one) => n + ' ' + one + (n === 1 ? '' : 's');
const size = n => n < 1024 ? n + ' B' : n < 1048576 ? (n / 1024).toFixed(1) + ' kB' : (n / 1048576).toFixed(1) + ' MB';

// queryText returns the words of the search and the chosen mailbox.
function queryText() {
	const box = byId('mailbox').value;
	return (byId('query').value + (box ? ' ends:"' + box.replaceAll('"', '') + '"' : '')).trim();
}

async function loadList(dropped) {
	const query = queryText(), limit = all ? 0 : 100;
	const list = await json(query ? '/api/v1/search?limit=' + limit + '&query=' + encodeURIComponent(query) : '/api/v1/messages?limit=' + limit);
	const focused = document.activeElement && document.activeElement.dataset.id;
	byId('list').replaceChildren(...list.messages.map(item));
	byId('more').hidden = list.count >= list.messages_count;
	byId('status').textContent = count(list.messages_count, 'message') + (query ? ' of ' + list.total : '') + (list.unread ? ', ' + list.unread + ' unread' : '') +
		(dropped ? '; ' + dropped + ' older ones made room' : '');
	document.title = (list.unread ? '(' + list.unread + ') ' : '') + 'virtmap receive';
	if (focused) byId('list').querySelector('[data-id="' + CSS.escape(focused) + '"]')?.focus();
}

function item(m) {
	const b = make('button', null, make('span', m.Subject || '(no subject)'), make('span', person(m.From) || '(no sender)'),
		make('span', 'to ' + people([...m.To, ...m.Cc, ...m.Bcc])),
		make('span', new Date(m.Created).toLocaleTimeString() + ', ' + size(m.Size) + (m.Attachments ? ', ' + count(m.Attachments, 'attachment') : '')));
	b.type = 'button';
	b.dataset.id = m.ID;
	b.className = m.Read ? '' : 'unread';
	b.setAttribute('aria-current', String(m.ID === open));
	b.children[2].className = b.children[3].className = 'soft';
	b.addEventListener('click', () => { location.hash = m.ID; });
	return make('li', null, b);
}

async function loadBoxes() {
	const boxes = await json(own + 'mailboxes'), choice = byId('mailbox'), chosen = choice.value;
	if (chosen) boxes[chosen] = boxes[chosen] || 0;
	choice.replaceChildren(new Option('all mailboxes', ''), ...Object.keys(boxes).sort().map(b => new Option(b + ' (' + boxes[b] + ')', b)));
	choice.value = chosen;
}

async function loadRefused() {
	const list = await json(own + 'refused');
	byId('refusedButton').textContent = 'Refused: ' + list.length;
	byId('refusals').replaceChildren(...(list.length ? list.map(refusal) : [make('p', 'No recipient was refused.')]));
}

function refusal(r) {
	const line = make('p', r.reply);
	line.className = 'bad';
	return make('div', null, make('h3', r.address), line,
		make('p', new Date(r.time).toLocaleTimeString() + ', from ' + (r.from ? '<' + r.from + '>' : 'the empty sender') + ', client ' + r.client + ' (' + r.helo + ')'), steps(r));
}

// steps returns the keys that were tried for an address.
function steps(r) {
	if (r.problem) return make('p', 'The keys are not known: ' + r.problem);
	if (!r.trace.length) return make('p', 'No key was tried.');
	const table = make('table', null, make('caption', 'Keys tried for ' + r.address), make('tr', null, make('th', 'table'), make('th', 'key'), make('th', 'found')));
	for (const s of r.trace) table.append(make('tr', null, make('td', s.map), make('td', s.key), make('td', s.hit ? s.value || 'yes' : 'no')));
	return table;
}

async function show(id) {
	open = id;
	byId('refused').hidden = id !== 'refused';
	byId('message').hidden = true;
	byId('empty').hidden = id !== '';
	document.body.classList.toggle('open', id !== '');
	for (const b of byId('list').querySelectorAll('button')) b.setAttribute('aria-current', String(b.dataset.id === id));
	if (id === '' || id === 'refused') return;
	try {
		const at = encodeURIComponent(id);
		const [m, e] = await Promise.all([json('/api/v1/message/' + at), json(own + 'message/' + at)]);
		if (open !== id) return;
		showing = m;
		fill(m, e);
	} catch (problem) {
		byId('empty').hidden = false;
		byId('empty').textContent = 'The message is not there any more.';
	}
}

function fill(m, e) {
	byId('message').hidden = false;
	byId('subject').textContent = m.Subject || '(no subject)';
	const ends = e.recipients.map(r => r.address + ' → ' + (r.mailboxes.join(', ') || 'nowhere')).join('; ');
	const rows = [['From', person(m.From)], ['To', people(m.To)], ['Cc', people(m.Cc)], ['Reply-To', people(m.ReplyTo)], ['Date', new Date(m.Date).toLocaleString()],
		['Sent by', '<' + e.from + '>, client ' + e.client + ' (' + e.helo + ')' + (e.tls ? ', TLS' : '')], ['Ends at', ends], ['Malformed', e.faults.join('; ')]];
	byId('fields').replaceChildren(...rows.filter(r => r[1]).flatMap(r => [make('dt', r[0]), make('dd', r[1])]));
	byId('files').replaceChildren(...[...m.Attachments, ...m.Inline].map(file));
	views = { Text: () => make('pre', m.Text || '(no text)') };
	if (m.HTML) views.HTML = () => htmlView(m, e);
	Object.assign(views, {
		Recipients: () => recipients(e),
		Headers: async () => headers(await json('/api/v1/message/' + m.ID + '/headers')),
		Source: async () => source(await text('/api/v1/message/' + m.ID + '/raw')),
		Dialogue: async () => make('pre', await text(own + 'message/' + m.ID + '/transcript')),
	});
	byId('tabs').replaceChildren(...Object.keys(views).map(name => {
		const b = make('button', name);
		b.type = 'button';
		b.setAttribute('role', 'tab');
		b.addEventListener('click', () => choose(name));
		return b;
	}));
	choose(views[tab] ? tab : m.HTML ? 'HTML' : 'Text', true);
}

async function choose(name, first) {
	if (!first) tab = name;
	const of = showing;
	for (const b of byId('tabs').children) b.setAttribute('aria-selected', String(b.textContent === name));
	const content = await views[name]();
	if (showing === of && byId('tabs').querySelector('[aria-selected=true]')?.textContent === name) byId('view').replaceChildren(content);
}

function file(p) {
	const a = make('a', (p.FileName || 'part ' + p.PartID) + ' (' + p.ContentType + ', ' + size(p.Size) + ')');
	a.href = '/api/v1/message/' + showing.ID + '/part/' + encodeURIComponent(p.PartID);
	a.download = '';
	return a;
}

// htmlView returns a frame in which nothing runs, and which fetches nothing. Links do not
// work in it; they are listed.
function htmlView(m, e) {
	const frame = document.createElement('iframe');
	frame.setAttribute('sandbox', '');
	frame.title = 'HTML of the message';
	frame.src = own + 'message/' + m.ID + '/preview.html';
	const all = make('div', null, frame);
	if (e.links.length) {
		const list = make('ul');
		for (const l of e.links) list.append(make('li', (l.text || '(no text)') + ': ' + l.target));
		all.append(make('h3', 'Links'), list);
	}
	return all;
}

function recipients(e) {
	const all = make('div');
	for (const r of e.recipients) {
		all.append(make('h3', r.address + ' → ' + (r.mailboxes.join(', ') || 'nowhere')));
		if (!r.named) all.append(make('p', 'In no field of the message: a blind copy.'));
		all.append(steps(r));
	}
	all.append(...e.refused.map(refusal));
	return all;
}

function headers(fields) {
	const list = make('dl');
	for (const name of Object.keys(fields)) for (const value of fields[name]) list.append(make('dt', name), make('dd', value));
	return list;
}

function source(raw) {
	const most = 1 << 20, a = make('a', 'Download');
	a.href = '/api/v1/message/' + showing.ID + '/raw?dl=1';
	return make('div', null, make('p', raw.length > most ? 'The first MiB of the source. ' : '', a), make('pre', raw.slice(0, most)));
}

// follow loads the lists now, and again whenever something has changed.
async function follow() {
	for (;;) {
		try {
			const now = await json(own + 'changes?timeout=50s&since=' + version);
			if (now.version !== version) {
				version = now.version;
				await Promise.all([loadList(now.dropped), loadBoxes(), loadRefused()]);
			}
		} catch (problem) {
			byId('status').textContent = 'virtmap receive does not answer';
			version = -1;
			await new Promise(done => setTimeout(done, 2000));
		}
	}
}

let typed;
byId('query').addEventListener('input', () => { clearTimeout(typed); typed = setTimeout(() => loadList(), 150); });
byId('mailbox').addEventListener('change', () => loadList());
byId('more').addEventListener('click', () => { all = true; loadList(); });
byId('refusedButton').addEventListener('click', () => { location.hash = 'refused'; });
byId('deleteAll').addEventListener('click', async () => {
	if (confirm('Delete all messages and refusals?')) {
		await ask('/api/v1/messages', { method: 'DELETE' });
		location.hash = '';
	}
});
byId('deleteOne').addEventListener('click', async () => {
	const row = byId('list').querySelector('[data-id="' + CSS.escape(open) + '"]')?.parentElement;
	const next = (row?.nextElementSibling || row?.previousElementSibling)?.firstChild.dataset.id || '';
	await ask('/api/v1/messages', { method: 'DELETE', body: JSON.stringify({ IDs: [open] }) });
	location.hash = next;
});
addEventListener('hashchange', () => show(location.hash.slice(1)));
addEventListener('keydown', event => {
	const inField = /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName), at = document.activeElement;
	if (event.key === '/' && !inField) {
		event.preventDefault();
		byId('query').focus();
	} else if (event.key === 'Escape') {
		const last = open;
		location.hash = '';
		(byId('list').querySelector('[data-id="' + CSS.escape(last) + '"]') || byId('list').querySelector('button'))?.focus();
	} else if ((event.key === 'ArrowDown' || event.key === 'ArrowUp') && at.closest('#list, #query')) {
		const buttons = [...byId('list').querySelectorAll('button')], i = buttons.indexOf(at) + (event.key === 'ArrowDown' ? 1 : -1);
		event.preventDefault();
		(buttons[i] || byId('query')).focus();
	}
});
show(location.hash.slice(1));
follow();

#!/usr/bin/env python3
"""Developer's tool: prints an .api file brought up to date with the installed botocore's model.

usage: api_from_botocore.py FILE.api [> NEW]

FILE.api says which operations are listed (lines `op NAME ...`), and holds what botocore does not
know: the prefix, no-nul and patterns lines; the iam, unimplemented, read and unsigned lines below an op; `xmlname=` and `unwrapped` of
structs, errors marked `common`, and comments at the top. A line with just `op NAME` is enough
to add an operation. All else is printed anew from the model. The build never runs this.
"""
import re
import sys

SERVICES = {  # C name -> botocore name, where they differ
    'codestar_connections': 'codestar-connections',
    'codestar_notifications': 'codestar-notifications',
}
KEPT_OP_LINES = ('iam', 'unimplemented', 'read', 'unsigned')
PROTOCOLS = {'query': 'query', 'rest-xml': 'rest-xml', 'rest-json': 'rest-json'}
SIMPLE = {'boolean': 'bool', 'integer': 'int', 'long': 'long', 'float': 'float',
          'double': 'double', 'string': 'str', 'blob': 'blob'}
RANGED = ('int', 'long', 'float', 'double', 'str', 'blob', 'list', 'map')
WIDTH = 100


class Seed:
    """What is kept of an .api file."""

    def __init__(self, path):
        self.comments, self.ops, self.structs, self.errors = [], {}, {}, {}
        self.name = self.prefix = None
        self.patterns = False
        self.no_nul = False
        self.called = False
        op = None
        for line in open(path, encoding='utf-8'):
            words = line.split()
            if not words:
                continue
            if line[0] == '#' and self.name is None:
                self.comments.append(line.rstrip())
            elif line[0].isspace():
                if op is not None and words[0] in KEPT_OP_LINES:
                    self.ops[op].append(' '.join(words))
            else:
                op = None
                if words[0] == 'op':
                    op = words[1]
                    self.ops[op] = []
                elif words[0] == 'struct' and len(words) > 2:
                    self.structs[words[1]] = words[2:]
                elif words[0] == 'error' and 'common' in words:
                    self.errors[words[1]] = line.rstrip()
                elif words[0] == 'prefix':
                    self.prefix = words[1]
                elif words[0] == 'patterns':
                    self.patterns = True
                elif words[0] == 'no-nul':
                    self.no_nul = True
                elif words[0] == 'called':
                    self.called = True
                elif words[0] == 'service':
                    self.name = words[1]


def load_model(name):
    import botocore.loaders
    loader = botocore.loaders.Loader()
    return loader.load_service_model(SERVICES.get(name, name), 'service-2')


def limits(shape):
    low, high = shape.get('min'), shape.get('max')
    if low is None and high is None:
        return ''
    text = ['' if v is None else str(int(v)) for v in (low, high)]
    return '(%s..%s)' % tuple(text)


class Printer:
    def __init__(self, seed, model):
        self.seed, self.model, self.shapes = seed, model, model['shapes']
        self.order = []

    def visit(self, name):
        """Remembers a struct, enum or what lies below it, in the order in which they are met."""
        shape = self.shapes[name]
        kind = shape['type']
        if kind == 'structure' or 'enum' in shape:
            if name in self.order:
                return
            self.order.append(name)
        for ref in shape.get('members', {}).values():
            if not self.is_body(name, ref):
                self.visit(ref['shape'])
        for key in ('member', 'key', 'value'):
            if key in shape:
                self.visit(shape[key]['shape'])

    def is_body(self, owner, ref):
        return ref.get('streaming') or self.shapes[ref['shape']].get('streaming') or \
            self.shapes[ref['shape']].get('eventstream')

    def type_text(self, name, ref=None):
        shape = self.shapes[name]
        kind = shape['type']
        if kind == 'structure':
            return 'document' if shape.get('document') else name
        if 'enum' in shape:
            return 'enum ' + name
        if kind == 'timestamp':
            form = (ref or {}).get('timestampFormat') or shape.get('timestampFormat')
            return 'timestamp' + {None: '', 'iso8601': ':iso8601', 'rfc822': ':rfc822',
                                  'unixTimestamp': ':unix'}[form]
        if kind == 'list':
            return 'list%s %s' % (limits(shape), self.type_text(shape['member']['shape']))
        if kind == 'map':
            return 'map%s %s %s' % (limits(shape), self.type_text(shape['key']['shape']),
                                    self.type_text(shape['value']['shape']))
        word = SIMPLE[kind]
        text = word + (limits(shape) if word in RANGED else '')
        if self.seed.patterns and 'pattern' in shape:
            text += '~' + shape['pattern'].replace(' ', '\\x20')
        return text

    def is_sensitive(self, name):
        shape = self.shapes[name]
        if shape.get('sensitive'):
            return True
        return shape['type'] == 'list' and self.is_sensitive(shape['member']['shape'])

    def member_line(self, owner, name, ref):
        struct = self.shapes[owner]
        shape = self.shapes[ref['shape']]
        body = self.is_body(owner, ref)
        words = [name + ('!' if name in struct.get('required', []) else ''),
                 'body' if body else self.type_text(ref['shape'], ref)]
        place = ref.get('location')
        if place == 'statusCode':
            words.append('status')
        elif place:
            words += [{'querystring': 'query'}.get(place, place), ref.get('locationName', name)]
        elif ref.get('locationName', name) != name and self.names_matter():
            words.append('xmlname=' + ref['locationName'])
        if struct.get('payload') == name:
            words.append('payload')
        if ref.get('xmlAttribute'):
            words.append('attribute')
        if ref.get('idempotencyToken'):
            words.append('token')
        if self.is_sensitive(ref['shape']):
            words.append('sensitive')
        if shape['type'] == 'list' and self.names_matter() and not place:
            if shape.get('flattened') or ref.get('flattened'):
                words.append('flat')
            if 'locationName' in shape['member']:
                words.append('item=' + shape['member']['locationName'])
        if shape['type'] == 'map' and self.names_matter() and not place:
            for key in ('key', 'value'):
                if 'locationName' in shape[key]:
                    words.append('%s=%s' % (key, shape[key]['locationName']))
        ns = ref.get('xmlNamespace') or shape.get('xmlNamespace')
        if isinstance(ns, dict) and ns.get('prefix'):
            words.append('xmlns=%s=%s' % (ns['prefix'], ns['uri']))
        return '  ' + ' '.join(words)

    def names_matter(self):
        return self.protocols()[0] not in ('json1.0', 'json1.1')  \
            or 'query' in self.protocols()

    def protocols(self):
        meta = self.model['metadata']
        known = []
        for p in meta.get('protocols', [meta['protocol']]):
            if p == 'json':
                known.append('json' + meta['jsonVersion'])
            elif p in PROTOCOLS:
                known.append(p)
        return known

    def head(self):
        meta = self.model['metadata']
        out = list(self.seed.comments)
        out.append('service ' + self.seed.name)
        out.append('protocol ' + ' '.join(self.protocols()))
        if 'targetPrefix' in meta:
            out.append('target ' + meta['targetPrefix'])
        out.append('version ' + meta['apiVersion'])
        ns = meta.get('xmlNamespace') or (
            'http://s3.amazonaws.com/doc/2006-03-01/' if self.seed.name == 's3' else None)
        if ns:
            out.append('xmlns ' + ns)
        out.append('signing ' + meta.get('signingName', meta['endpointPrefix']))
        if self.seed.prefix:
            out.append('prefix ' + self.seed.prefix)
        out.append('host ' + meta['endpointPrefix'] + (' global' if self.seed.name == 'iam' else ''))
        if 'awsQueryCompatible' in meta:
            out.append('query-compatible')
        if self.seed.no_nul:
            out.append('no-nul')
        if self.seed.patterns:
            out.append('patterns')
        if self.seed.called:
            out.append('called')
        return out

    def wrap(self, first, words, rest):
        """Words behind `first`, wrapped; further lines begin with `rest`."""
        line, out = first, []
        for word in words:
            if len(line) + 1 + len(word) > WIDTH:
                out.append(line)
                line = rest
            line += ' ' + word
        return out + [line]

    def op(self, name):
        op = self.model['operations'][name]
        ins = op.get('input', {}).get('shape', '-')
        outs = op.get('output', {}).get('shape', '-')
        errors = [e['shape'] for e in op.get('errors', [])]
        if 'unimplemented' in self.seed.ops[name]:
            ins, outs, errors = '-', '-', []
        first = 'op %s %s -> %s' % (name, ins, outs)
        out = self.wrap(first + ' !', errors, '  !')
        if out[0].endswith(' !'):
            out[0] = first
        http = op['http']
        if self.protocols()[0].startswith('rest'):
            out.append('  http %s %s%s' % (
                http['method'], http['requestUri'],
                ' %d' % http['responseCode'] if http.get('responseCode', 200) != 200 else ''))
        if op.get('httpChecksum', {}).get('requestChecksumRequired'):
            out.append('  checksum')
        out += ['  ' + k for k in self.seed.ops[name]]
        for s in (ins, outs):
            if s != '-':
                self.visit(s)
        return out, errors

    def error(self, name):
        shape = self.shapes[name]
        err = shape.get('error', {})
        status = err.get('httpStatusCode') or (500 if shape.get('fault') else 400)
        words = ['error', name, str(status)]
        if err.get('code', name) != name:
            words.append('code=' + err['code'])
        members = shape.get('members', {})
        if 'message' not in members and 'Message' in members:
            words.append('message=Message')
        out = [' '.join(words)]
        for m, ref in members.items():
            if m not in ('message', 'Message'):
                self.visit(ref['shape'])
                out.append(self.member_line(name, m, ref))
        return out

    def document(self):
        ops, errors = [], []
        for name in sorted(self.seed.ops):
            text, errs = self.op(name)
            ops += text
            errors += [e for e in errs if e not in errors]
        error_text = []
        for name in sorted(set(errors) | set(self.seed.errors)):
            if name in errors:
                error_text += self.error(name)
            elif self.shapes.get(name, {}).get('exception'):
                text = self.error(name)
                error_text += [text[0] + ' common'] + text[1:]
            else:
                error_text.append(self.seed.errors[name])
        structs = []
        for name in self.order:
            shape = self.shapes[name]
            structs.append('')
            if 'enum' in shape:
                structs += self.wrap('enum ' + name, shape['enum'], '   ')
                continue
            structs.append(' '.join(['struct', name] + self.seed.structs.get(name, [])))
            structs += [self.member_line(name, m, r) for m, r in shape['members'].items()]
        parts = self.head() + [''] + ops + [''] + error_text + structs
        return '\n'.join(parts) + '\n'


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    seed = Seed(sys.argv[1])
    sys.stdout.write(Printer(seed, load_model(seed.name)).document())


if __name__ == '__main__':
    main()

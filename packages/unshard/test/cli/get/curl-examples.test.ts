/**
 * Examples of curl's documentation, restated for servers on this machine: `unshard get` must send the same requests, print the same, write the
 * same files and exit with the same code as curl.
 */

import { execFileSync } from 'node:child_process'
import type { ServerResponse } from 'node:http'
import { comparable, type Example, judge } from './judge.js'

const CONTENT = 'The quick brown fox jumps over the lazy dog, again and again.\n'

const COOKIES = `# Netscape HTTP Cookie File
example.com\tFALSE\t/\tFALSE\t0\ta\tb
.example.com\tTRUE\t/\tTRUE\t4102444800\tsecure\tyes
#HttpOnly_example.com\tFALSE\t/\tFALSE\t0\thttp\tonly
other.example\tFALSE\t/\tFALSE\t0\tnot\tsent
example.com\tFALSE\t/elsewhere\tFALSE\t0\tnot\tsent
`

const { run } = judge((request, response, _body, count) => {
  const path = new URL(request.url!, 'http://x').pathname
  const end = (status: number, content: string, headers: Record<string, string> = {}): void => {
    response.writeHead(status, { 'content-length': content.length, ...headers })
    response.end(request.method === 'HEAD' ? '' : content)
  }
  if (path.startsWith('/redirect')) return end(302, 'moved\n', { location: `https://www.example.com/target?n=${count}` })
  if (path === '/loop') return end(301, '', { location: '/loop' })
  if (path === '/missing') return end(404, 'not here\n')
  if (path === '/broken') return end(500, 'broken\n')
  if (path === '/busy') return count === 1 ? end(503, 'busy\n', { 'retry-after': '1' }) : end(200, 'ready\n')
  if (path === '/named') return end(200, CONTENT, { 'content-disposition': 'attachment; filename="the name.txt"' })
  if (path === '/slow') {
    response.writeHead(200)
    return void (response as ServerResponse).write('a part')
  }
  if (path === '/range') {
    const first = Number(/^bytes=(\d+)-/.exec(String(request.headers.range ?? ''))?.[1] ?? 0)
    const last = Number(/-(\d+)$/.exec(String(request.headers.range ?? ''))?.[1] ?? CONTENT.length - 1)
    if (request.headers.range === undefined) return end(200, CONTENT)
    if (first >= CONTENT.length) return end(416, '', { 'content-range': `bytes */${CONTENT.length}` })
    return end(206, CONTENT.slice(first, last + 1), { 'content-range': `bytes ${first}-${last}/${CONTENT.length}` })
  }
  end(200, `${path} of ${request.headers[':authority'] ?? request.headers.host}\n`, { 'x-served': 'yes' })
})

const EXAMPLES: readonly (readonly [title: string, example: Example])[] = [
  ['a URL', { args: ['https://example.com'] }],
  ['a URL without a scheme', { args: ['example.com'] }],
  ['several URLs', { args: ['http://example.com/1', 'https://example.com/2'] }],
  ['-A', { args: ['-A', 'Agent 007', 'https://example.com'] }],
  ['-A without text', { args: ['-A', '', 'https://example.com'] }],
  ['-b', { args: ['-b', 'NAME1=VALUE1; NAME2=VALUE2', 'https://example.com'] }],
  ['-b with a file', { args: ['-b', 'cookies', 'https://example.com'], files: { cookies: COOKIES } }],
  ['-d', { args: ['-d', 'name=curl', 'https://example.com'] }],
  ['-d twice', { args: ['--data', 'name=curl', '--data', 'tool=cmdline', 'https://example.com'] }],
  ['-d attached to the option', { args: ['-dname=curl', '-XPATCH', 'https://example.com'] }],
  ['-d @file', { args: ['-d', '@form', 'https://example.com'], files: { form: 'first line\r\nsecond line\n' } }],
  ['-d @- reads standard input', { args: ['-d', '@-', 'https://example.com'], stdin: 'from=stdin\n' }],
  ['--data-binary', { args: ['--data-binary', '@form', 'http://example.com'], files: { form: 'first line\r\nsecond line\n' } }],
  ['--data-raw', { args: ['--data-raw', '@at@at@', 'https://example.com'] }],
  ['--data-urlencode', { args: ['--data-urlencode', 'name=val ue', '--data-urlencode', '=encode this&', 'https://example.com'] }],
  [
    '--data-urlencode with files',
    { args: ['--data-urlencode', 'name@file', '--data-urlencode', '@file', 'https://example.com'], files: { file: 'a b/ü\n' } },
  ],
  ['--json', { args: ['--json', '{ "drink": "coffe" }', 'https://example.com'] }],
  [
    '--json twice, and a file',
    { args: ['--json', '{ "a":', '--json', '@rest', 'https://example.com'], files: { rest: ' "b" }\n' } },
  ],
  ['-D', { args: ['-D', 'heads.txt', 'http://example.com/x', '-o', 'body'] }],
  ['-D -', { args: ['-D', '-', 'https://example.com/x'] }],
  ['-e', { args: ['--referer', 'https://fake.example', 'https://example.com'] }],
  ['-f', { args: ['-f', 'https://example.com/missing'] }],
  ['-f with -o', { args: ['--fail', 'https://example.com/missing', '-o', 'file'] }],
  ['--fail-with-body', { args: ['--fail-with-body', 'https://example.com/missing'] }],
  ['-F', { args: ['-F', 'name=John', '-F', 'shoesize=11', 'https://example.com'] }],
  ['-F with a file', { args: ['-F', 'web=@index.html;type=text/html', 'https://example.com'], files: { 'index.html': '<p>' } }],
  [
    '-F with the type of an ending',
    { args: ['-F', 'image=@a.png', '-F', 'other=@b.bin', 'https://example.com'], files: { 'a.png': 'P', 'b.bin': 'B' } },
  ],
  ['-F with a type', { args: ['-F', 'name=daniel;type=text/foo', 'https://example.com'] }],
  ['-F with a name', { args: ['-F', 'file=@local;filename=nameinpost', 'https://example.com'], files: { local: 'content' } }],
  ['-F with the content of a file', { args: ['-F', 'story=<huge.txt', 'https://example.com'], files: { 'huge.txt': 'once\n' } }],
  ['-F with quotes', { args: ['-F', 'colors="red; green; blue";type=text/x-myapp', 'https://example.com'] }],
  ['--form-string', { args: ['--form-string', 'name=@daniel;type=x', 'https://example.com'] }],
  ['-G', { args: ['-G', '-d', 'tool=curl', '-d', 'age=old', 'https://example.com/x?q=1'] }],
  ['-G --data-urlencode', { args: ['--get', '--data-urlencode', 'q=a b', 'https://example.com'] }],
  ['-G -I', { args: ['-I', '-G', '-d', 'name=daniel', 'https://example.com'] }],
  ['--url-query', { args: ['--url-query', 'name=va l', '--url-query', '+a=%20', 'https://example.com/?x'] }],
  ['-g', { args: ['-g', 'https://example.com/a[1]'] }],
  ['-H', { args: ['-H', 'X-First-Name: Joe', 'https://example.com'] }],
  ['-H that replaces', { args: ['-H', 'User-Agent: yes-please/2000', '-H', 'Accept: text/html', 'https://example.com'] }],
  ['-H that removes', { args: ['-H', 'Accept:', '-H', 'User-Agent:', 'https://example.com'] }],
  ['-H without content', { args: ['-H', 'X-Custom-Header;', 'https://example.com'] }],
  ['-H Host', { args: ['-H', 'Host: other.example', 'http://example.com'] }],
  ['-H @file', { args: ['-H', '@headers.txt', 'https://example.com'], files: { 'headers.txt': 'X-One: 1\nX-Two: 2\n' } }],
  ['-H content-type', { args: ['-H', 'Content-Type: text/plain', '-d', 'x', 'https://example.com'] }],
  ['-I', { args: ['-I', 'https://example.com'] }],
  ['-i', { args: ['-i', 'http://example.com'] }],
  ['-i -L', { args: ['-iL', 'https://example.com/redirect'] }],
  ['-k', { args: ['-k', '--cacert', '/dev/null', 'https://example.com'] }],
  ['-L', { args: ['-L', 'https://example.com/redirect'] }],
  ['-L after POST', { args: ['-L', '-d', 'x=y', 'https://example.com/redirect'] }],
  ['-L with -u for the first host', { args: ['-L', '-u', 'user:secret', 'https://example.com/redirect'] }],
  ['without -L', { args: ['https://example.com/redirect'] }],
  ['--max-redirs', { args: ['-L', '--max-redirs', '3', 'https://example.com/loop'] }],
  ['-o', { args: ['-o', 'file', 'https://example.com'] }],
  ['-o for each URL', { args: ['-o', 'aa', 'https://example.com/1', '-o', 'bb', 'https://example.com/2'] }],
  ['-o with #1', { args: ['-o', 'file_#1_#2.txt', 'https://{one,two}.example.com/[1-2]'] }],
  ['-o with --create-dirs', { args: ['--create-dirs', '-o', 'dir/sub/file', 'https://example.com'] }],
  ['-o into a folder that is not there', { args: ['-o', 'dir/file', 'https://example.com'] }],
  ['-O', { args: ['-O', 'https://example.com/path/file.html?query'] }],
  ['-O without a name', { args: ['-O', 'https://example.com/'] }],
  ['--remote-name-all', { args: ['--remote-name-all', 'https://example.com/a1', 'https://example.com/a2'] }],
  ['-J', { args: ['-OJ', 'https://example.com/named'] }],
  ['--output-dir', { args: ['--output-dir', 'tmp', '--create-dirs', '-O', 'https://example.com/file'] }],
  ['-r', { args: ['-r', '4-8', 'https://example.com/range'] }],
  ['-C with an offset', { args: ['-C', '40', 'https://example.com/range'] }],
  ['-C -', { args: ['-C', '-', '-o', 'part', 'https://example.com/range'], files: { part: CONTENT.slice(0, 10) } }],
  ['-C - without a file', { args: ['-C', '-', '-o', 'part', 'https://example.com/range'] }],
  ['-C without ranges', { args: ['-C', '4', '-o', 'part', 'https://example.com/plain'], files: { part: 'abcd' } }],
  ['-T', { args: ['-T', 'file', 'https://example.com/target'], files: { file: 'uploaded\n' } }],
  ['-T completes the URL', { args: ['-T', 'my file', 'https://example.com/folder/'], files: { 'my file': 'uploaded\n' } }],
  ['-T - reads standard input', { args: ['-T', '-', 'http://example.com/target'], stdin: 'piped\n' }],
  ['-u', { args: ['-u', 'user:secret', 'https://example.com'] }],
  ['a user in the URL', { args: ['http://us%65r:se%20cret@example.com/'] }],
  ['--oauth2-bearer', { args: ['--oauth2-bearer', 'mF_9.B5f-4.1JqM', 'https://example.com'] }],
  ['-n', { args: ['-n', 'https://example.com'], files: { '.netrc': 'machine example.com login anne password secret\n' } }],
  ['-w', { args: ['-w', '%{http_code} %{num_redirects} %{content_type}\\n', 'https://example.com'] }],
  [
    '-w with -L',
    {
      args: [
        '-L',
        '-w',
        '%{url_effective} %{num_redirects} %{response_code}\\n',
        '-o',
        '/dev/null',
        'https://example.com/redirect',
      ],
    },
  ],
  ['-w with a header', { args: ['-w', '%header{x-served}\\t%{size_download}%%\\n', 'https://example.com'] }],
  [
    '-w with redirect_url and method',
    { args: ['-w', '%{redirect_url} %{method}\\n', '-o', '/dev/null', 'https://example.com/redirect'] },
  ],
  ['-w @file', { args: ['-w', '@format', 'http://example.com'], files: { format: '%{http_version} %{remote_ip}\\n' } }],
  ['-w for a failure', { args: ['-w', '%{exitcode} %{http_code}%{onerror} failed\\n', '-f', 'https://example.com/missing'] }],
  ['-X', { args: ['-X', 'DELETE', 'https://example.com/item'] }],
  ['-X PROPFIND with content', { args: ['-X', 'PROPFIND', '-d', '@body', 'https://example.com'], files: { body: '<x/>' } }],
  ['--url', { args: ['--url', 'https://example.com/by-option'] }],
  ['-Z', { args: ['-Z', '-o', 'a', 'https://example.com/1', '-o', 'b', 'https://www.example.com/2'] }],
  ['--next', { args: ['https://example.com/1', '--next', '-d', 'post this', 'https://www.example.com/2'] }],
  ['--next resets options', { args: ['-H', 'x: y', 'https://example.com/1', '-:', '-I', 'https://example.com/2'] }],
  ['a range of numbers', { args: ['https://example.com/file[1-3].txt'] }],
  ['a range with zeros and a step', { args: ['https://example.com/[000-010:5]'] }],
  ['a range of letters', { args: ['https://example.com/[a-c]'] }],
  ['a list', { args: ['https://example.com/{one,two,three}'] }],
  ['--resolve', { args: ['--resolve', 'made-up.example:443:127.0.0.1', '-k', 'https://made-up.example/'] }],
  ['--http1.1', { args: ['--http1.1', 'https://example.com'] }],
  ['--http2', { args: ['--http2', 'https://example.com'] }],
  ['--unix-socket', { args: ['--unix-socket', '$FOLDER/server.sock', 'http://localhost/info'] }],
  ['--noproxy', { args: ['-x', 'http://127.0.0.1:1', '--noproxy', 'example.com', 'https://example.com'] }],
  ['a proxy that cannot be reached', { args: ['-x', 'http://127.0.0.1:1', 'http://example.com'] }],
  ['-m', { args: ['-m', '1', 'https://example.com/slow', '-o', 'part'] }],
  ['--retry', { args: ['--retry', '2', 'https://example.com/busy', '-o', 'file'] }],
  ['--max-filesize', { args: ['--max-filesize', '10', 'http://example.com/range'] }],
  ['--compressed', { args: ['--compressed', 'https://example.com'] }],
  ['--limit-rate', { args: ['--limit-rate', '1M', 'https://example.com'] }],
  ['-sSf', { args: ['-sSf', 'https://example.com/missing'] }],
  ['--tlsv1.2 --tls-max 1.2', { args: ['--tlsv1.2', '--tls-max', '1.2', 'https://example.com'] }],
  ['a certificate of another authority', { args: ['--cacert', '/etc/ssl/certs/ca-certificates.crt', 'https://example.com'] }],
  ['a name that cannot be resolved', { args: ['http://nowhere.invalid:81/'] }],
  ['a port that refuses', { args: ['http://127.0.0.1:1/'] }],
  ['a scheme that is not supported', { args: ['made-up://example.com/'] }],
  ['a glob that is not valid', { args: ['https://example.com/[1-'] }],
  ['an error before a success', { args: ['-f', 'https://example.com/missing', '--next', '-f', 'https://example.com/broken'] }],
]

const version = /^curl (\d+)\.(\d+)/.exec(curlVersion())
if (version === null) console.warn('curl is not installed: its examples are skipped')

;(version === null ? describe.skip : describe)('an example of curl', () => {
  it('there are at least 60', () => {
    expect(EXAMPLES.length).toBeGreaterThanOrEqual(60)
  })

  it.each(EXAMPLES)('%s', async (_title, example) => {
    const { curl, unshard } = await run(example)
    expect(comparable(unshard)).toEqual(comparable(curl))
  })
})

function curlVersion(): string {
  try {
    return execFileSync('curl', ['--version'], { encoding: 'utf8' })
  } catch {
    return ''
  }
}

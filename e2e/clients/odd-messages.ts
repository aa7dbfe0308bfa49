// Odd but lawful JSON that must cross the product unchanged. %NAME% stands for the tool's name as the client sees it.

/** A request line and how the server is to answer it. */
export interface OddExchange {
  readonly title: string
  /** The whole line; a plain tool call when left out. */
  readonly request?: string
  /** What the answer's bytes are: a result, an error, or a whole line (its id is set to the request's). */
  readonly kind?: 'result' | 'error' | 'line'
  readonly reply?: string
}

/** A value with a title, to be put where any JSON may stand. */
export interface OddValue {
  readonly title: string
  readonly json: string
}

const raw = String.raw
const big = 'e\u0301😀\u2028'.repeat(500_000)
const deep = `${'[{"d":'.repeat(1000)}1${'}]'.repeat(1000)}`

/** Values that parsing and printing would change or break. */
export const oddValues: readonly OddValue[] = [
  { title: 'an integer beyond 2^53', json: '{"n":9007199254740993}' },
  { title: 'an integer of 40 digits', json: '{"n":-1234567890123456789012345678901234567890}' },
  { title: '1.0', json: '{"n":1.0,"m":[10.00,0.10]}' },
  { title: '1e400', json: '{"n":1e400,"m":-1E+400}' },
  { title: 'a number of many digits', json: '{"n":0.1000000000000000055511151231257827}' },
  { title: '-0', json: '{"n":-0,"m":-0.0}' },
  { title: 'exponents in all spellings', json: '{"n":[1E5,1e+5,1e-7,0e0,1.5E-300]}' },
  { title: 'duplicate keys', json: '{"a":1,"a":2,"b":{"c":1,"c":{"c":2}},"a":[3]}' },
  { title: 'integer-like keys out of order', json: '{"10":1,"2":2,"b":3,"1":4,"a":5}' },
  { title: '__proto__, constructor and an empty key', json: '{"__proto__":{"x":1},"constructor":null,"":0}' },
  { title: 'u escapes', json: raw`{"t":"\u00e9\u0041\u000a\u001F\u2028","\u006Bey":"\u00E9"}` },
  { title: 'an escaped solidus', json: raw`{"t":"<\/script>","a\/b":"\/"}` },
  { title: 'all short escapes', json: raw`{"t":"\"\\\/\b\f\n\r\t","\\":"\\\\"}` },
  { title: 'lone surrogates as escapes', json: raw`{"t":"\ud800","u":"\udfff\ud83d","\udc00":1}` },
  { title: 'a surrogate pair as escapes', json: raw`{"t":"\ud83d\ude00"}` },
  { title: 'astral characters raw', json: '{"t":"😀𝒳","😀":"\u{10ffff}"}' },
  { title: 'raw line separators, delete and a byte order mark', json: '{"t":"\u2028\u2029\u007f\ufeff"}' },
  { title: 'a NUL as escape', json: raw`{"t":"a\u0000b"}` },
  { title: 'braces and quotes in texts', json: raw`{"t":"}]\"{[,:\\","u":"\\\""}` },
  { title: 'spaces and tabs between tokens', json: '{ "a" :\t1 ,  "b":[ ] , "c":{ \t} , "d" : "x" }' },
  { title: 'a text of 5 MB', json: `{"t":"${big}"}` },
  { title: 'nesting 2,000 deep', json: `{"t":${deep}}` },
  {
    title: 'words of the protocol in the wrong place',
    json: '{"id":7,"method":"x","params":{"id":8},"result":0}',
  },
]

function call(members: string): string {
  return `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"%NAME%"${members}}}`
}

/** Requests whose oddity is in their shape, not only in a value. */
export const oddRequests: readonly OddExchange[] = [
  { title: 'unknown members at every depth of params', request: call(',"x":[{"y":{"z":null}}],"_x":{}') },
  { title: 'arguments null', request: call(',"arguments":null') },
  { title: 'no arguments', request: call('') },
  { title: 'duplicate arguments', request: call(',"arguments":{"a":1},"arguments":{"a":2}') },
  { title: "others' keys in _meta", request: call(',"_meta":{"com.example/x":[1.0],"traceparent":"00-1"}') },
  { title: 'an empty _meta', request: call(',"_meta":{}') },
  {
    title: "others' keys around a progress token",
    request: call(',"_meta":{"a":1.0, "progressToken" : "t" ,"z":{"progressToken":9}}'),
  },
  { title: 'a progress token beyond 2^53', request: call(',"_meta":{"progressToken":9007199254740993}') },
  {
    title: 'an escaped progressToken key and escaped name',
    request: raw`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"_m\u0065ta":{"progress\u0054oken":"\u0074"},"n\u0061me":"%NAME%"}}`,
  },
  {
    title: 'escaped names of top-level members',
    request: raw`{"jsonrpc":"2.0","\u0069d":1,"m\u0065thod":"tools\/call","p\u0061rams":{"name":"%NAME%","x":1.0}}`,
  },
  {
    title: 'params before method, id last',
    request: '{"params":{"name":"%NAME%","x":1.0},"method":"tools/call","jsonrpc":"2.0","id":1}',
  },
  {
    title: 'name last, after its namesakes',
    request: call('').replace(
      '"params":{"name"',
      '"params":{"arguments":{"name":"other"},"_meta":{"name":1},"name"',
    ),
  },
  {
    title: 'whitespace between all tokens',
    request:
      ' { "id"\t: 1 , "jsonrpc" : "2.0" ,\t"method" : "tools/call" , "params" : { "name" : "%NAME%" , "x" : [ 1 , 2 ] } } ',
  },
  {
    title: 'extra top-level members',
    request:
      '{"x":{"id":5},"jsonrpc":"2.0","id":1,"y":[],"method":"tools/call","params":{"name":"%NAME%"},"z":1.0}',
  },
  {
    title: 'prompts/get with odd arguments',
    request:
      '{"jsonrpc":"2.0","id":1,"method":"prompts/get","params":{"name":"odd__ask","arguments":{"n":1.0},"x":0}}',
    reply: '{"messages":[{"role":"x","content":{"type":"hologram","n":1.0}}]}',
  },
  {
    title: 'resources/read with odd members',
    request: '{"jsonrpc":"2.0","id":1,"method":"resources/read","params":{"x":1.0,"uri":"odd://thing"}}',
    reply: '{"contents":[{"uri":"odd://thing","x":1e400}]}',
  },
]

/** Replies whose oddity is in their shape. */
export const oddReplies: readonly OddExchange[] = [
  { title: 'a null result', reply: 'null' },
  { title: 'an empty result', reply: '{}' },
  { title: 'a result that is an array', reply: '[]' },
  { title: 'a result that is a text', reply: '""' },
  { title: 'a result that is false', reply: 'false' },
  { title: 'a result that is 1.0', reply: '1.0' },
  {
    title: 'unknown content blocks',
    reply: '{"content":[{"type":"hologram","data":{"n":1.0}},{"type":"text"},null,7]}',
  },
  {
    title: 'unknown members at every depth of a result',
    reply:
      '{"content":[{"type":"text","text":"","x":{"y":[{"z":1.0}]}}],"isError":"maybe","_meta":{"q/r":-0}}',
  },
  {
    title: 'resource links to addresses that nobody serves',
    reply: '{"content":[{"type":"resource_link","uri":"odd://none","x":1.0}]}',
  },
  {
    title: 'an error with unknown members',
    kind: 'error',
    reply: '{"code":-32000,"x":1.0,"message":"m","data":null}',
  },
  { title: 'an error with code 1e3', kind: 'error', reply: '{"code":1e3,"message":""}' },
  {
    title: 'an error with a code beyond 2^53',
    kind: 'error',
    reply: '{"code":-9007199254740993,"message":"m"}',
  },
  { title: 'an error without a code', kind: 'error', reply: '{"message":"no code"}' },
  { title: 'an error without a message', kind: 'error', reply: '{"code":1}' },
  {
    title: 'an error with deep data',
    kind: 'error',
    reply: raw`{"code":-32042,"message":"\ud800","data":{"a":[1.0,{"a":1,"a":2}]}}`,
  },
  { title: 'an error that is a text', kind: 'error', reply: '"broken"' },
  {
    title: 'an answer with its id last',
    kind: 'line',
    reply: '{"result":{"a":1.0},"jsonrpc":"2.0","id":0}',
  },
  {
    title: 'an answer with whitespace and extra members',
    kind: 'line',
    reply: '{\t"x" : {"id":9} , "id" : 0 , "result" : { "a" : 1.0 } , "jsonrpc":"2.0" , "y":[] } ',
  },
  {
    title: 'an answer after leading whitespace',
    kind: 'line',
    reply: ' \t{"jsonrpc":"2.0","id":0,"result":{"a":1.0}}',
  },
  {
    title: 'an answer with escaped member names',
    kind: 'line',
    reply: raw`{"jsonrpc":"2.0","\u0069d":0,"r\u0065sult":{"a":1.0}}`,
  },
]

/** Ids as clients may write them. */
export const oddIds: readonly OddValue[] = [
  { title: '0', json: '0' },
  { title: 'a negative number', json: '-5' },
  { title: 'a number beyond 2^53', json: '9007199254740993' },
  { title: 'a number of 30 digits', json: '123456789012345678901234567890' },
  { title: 'an empty text', json: '""' },
  { title: 'a text that looks like a number', json: '"1"' },
  { title: 'a text with escapes', json: raw`"\u0061\/\"\\\n"` },
  { title: 'a lone surrogate', json: raw`"\ud800"` },
  { title: 'astral characters', json: '"😀"' },
  { title: 'a text of 10,000 characters', json: `"${'i'.repeat(10_000)}"` },
  { title: 'a text that looks like JSON', json: raw`"{\"id\":1}"` },
]

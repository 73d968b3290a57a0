" A stand-in for vim-lsp, which no package registry has: over Vim's own LSP channel it introduces itself with vim-lsp's recorded
" capabilities, does its few functions that claw-lsp's client.vim calls, and answers as vim-lsp was seen to answer.

let s:job = v:null
let s:file = ''

def lsp#register_server(info: dict<any>)
  s:job = job_start(info.cmd({}), {in_mode: 'lsp', out_mode: 'lsp', err_io: 'null', out_cb: s:Hear})
  const recorded = readfile($CLAW_TEST_RECORDED)->join("\n")->json_decode()
  const params = recorded->extendnew({processId: getpid(), rootUri: info.root_uri({})})
  ch_sendexpr(job_getchannel(s:job), {method: 'initialize', params: params}, {callback: (_, _) => s:Opened()})
enddef

def lsp#send_request(name: string, request: dict<any>)
  const message = {method: request.method, params: request.params}
  ch_sendexpr(job_getchannel(s:job), message, {callback: (_, answer) => request.on_notification({response: answer})})
enddef

def s:Opened()
  s:Tell('initialized', {})
  s:file = 'file://' .. expand('%:p')
  s:Tell('textDocument/didOpen', {textDocument: {uri: s:file, languageId: &filetype, version: 1, text: s:Text()}})
  listener_add((_, _, _, _, _) => s:Changed())
  echomsg 'attached'
enddef

def s:Tell(method: string, params: dict<any>)
  ch_sendexpr(job_getchannel(s:job), {method: method, params: params})
enddef

def s:Text(): string
  return getline(1, '$')->join("\n") .. "\n"
enddef

def s:Changed()
  s:Tell('textDocument/didChange', {textDocument: {uri: s:file, version: b:changedtick}, contentChanges: [{text: s:Text()}]})
enddef

def s:Hear(_: channel, message: dict<any>)
  if has_key(message, 'id')
    # A question is shown, and nothing is picked.
    if message.method == 'window/showMessageRequest'
      echomsg 'asked' message.params.actions[0].title
    endif
    const result = message.method == 'workspace/applyEdit' ? s:Applied(message.params.edit) : v:null
    ch_sendexpr(job_getchannel(s:job), {id: message.id, result: result})
  elseif message.method == 'window/showMessage'
    echomsg split(message.params.message, "\n")[0]
  endif
enddef

def s:Applied(edit: dict<any>): dict<any>
  for change in get(edit, 'documentChanges', [])
    s:Edit(change.edits)
  endfor
  for uri in get(edit, 'changes', {})->keys()
    s:Edit(edit.changes[uri])
  endfor
  listener_flush()
  return {applied: true}
enddef

def s:Edit(edits: list<dict<any>>)
  for it in edits->copy()->sort((a, b) => b.range.start.line - a.range.start.line)
    const [start, end] = [it.range.start, it.range.end]
    const before = strpart(getline(start.line + 1), 0, start.character)
    const after = strpart(getline(end.line + 1), end.character)
    const lines = split(before .. it.newText .. after, "\n", 1)
    setline(start.line + 1, lines)
  endfor
enddef

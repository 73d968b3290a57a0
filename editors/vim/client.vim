vim9script
# claw-lsp for vim-lsp and coc.nvim: it is announced to the one that is there, and :Claw runs its commands.
#
#   :Claw ask WORDS, :Claw edit WORDS, :Claw fix, explain, tests, document, refactor, review    about the file, or the range
#   :Claw chat, :Claw send                   the chat's document; send what stands in its prompt
#   :Claw answer                             answer a question of Claw's that waits
#   :Claw hunks, :Claw keep, :Claw revert    the changes that wait: list them; keep or take back those of the range
#                                            (proposals: apply or dismiss them)
#   :Claw status, :Claw stop, ...            every other command by its name

const ABOUT = ['ask', 'edit', 'fix', 'explain', 'tests', 'document', 'refactor', 'review']
const ROOTS = ['.git/', '.claw/', '.claude/', 'CLAW.md', 'CLAUDE.md', 'AGENTS.md']

def IsThere(file: string): bool
  return globpath(&runtimepath, file) != ''
enddef

# ---- the two clients

def Register()
  lsp#register_server({
    name: 'claw',
    cmd: (_) => g:claw_command,
    root_uri: (_) => lsp#utils#path_to_uri(Root()),
    allowlist: ['*'],
  })
enddef

def Root(): string
  const here = expand('%:p:h')
  for root in ROOTS
    const found = root =~ '/$' ? finddir(root[: -2], here .. ';') : findfile(root, here .. ';')
    if found != ''
      return fnamemodify(found, root =~ '/$' ? ':p:h:h' : ':p:h')
    endif
  endfor
  return here
enddef

augroup claw
  autocmd!
  autocmd User lsp_setup Register()
augroup END

if IsThere('autoload/coc.vim')
  coc#config('languageserver.claw', {
    command: g:claw_command[0],
    args: g:claw_command[1 :],
    filetypes: ['*'],
    rootPatterns: ROOTS,
  })
endif

def Request(name: string, args: dict<any>, Done: func(dict<any>))
  if IsThere('autoload/lsp.vim')
    lsp#send_request('claw', {
      method: 'workspace/executeCommand',
      params: {command: name, arguments: [args]},
      on_notification: (data) => Heard(data.response, Done),
    })
  elseif IsThere('autoload/coc.vim')
    g:CocActionAsync('runCommand', name, args, (error, result) =>
      empty(error) ? Done(type(result) == v:t_dict ? result : {}) : Complain(string(error)))
  else
    Complain('neither vim-lsp nor coc.nvim is there')
  endif
enddef

def Heard(response: dict<any>, Done: func(dict<any>))
  if has_key(response, 'error')
    Complain(response.error.message)
  else
    Done(type(response.result) == v:t_dict ? response.result : {})
  endif
enddef

def Complain(words: string)
  echohl WarningMsg
  echomsg $'Claw: {words}'
  echohl None
enddef

# ---- :Claw

def Run(first: number, last: number, ranged: bool, given: string)
  const [name, words] = [matchstr(given, '^\S*'), matchstr(given, '^\S*\s*\zs.*')]
  if name == 'answer'
    Request('claw.questions', {}, Choose)
  elseif name == 'hunks'
    Request('claw.hunks', {}, List)
  elseif name == 'keep' || name == 'revert'
    Settle(name == 'keep' ? ['claw.keep', 'claw.apply'] : ['claw.undo', 'claw.dismiss'], first, last)
  elseif name == 'send'
    Request('claw.send', {uri: Uri()}, Answered)
  elseif index(ABOUT, name) >= 0
    const range = {start: {line: first - 1, character: 0}, end: {line: last, character: 0}}
    Request($'claw.{name}', {uri: Uri()}->extend(ranged ? {range: range} : {})->extend(words == '' ? {} : {prompt: words}), Answered)
  else
    Request($'claw.{name}', {}, Answered)
  endif
enddef

def Uri(): string
  return 'file://' .. substitute(expand('%:p'), '[^A-Za-z0-9/._~-]', (it) => Percent(it[0]), 'g')
enddef

def Percent(letter: string): string
  return range(len(letter))->mapnew((_, n) => printf('%%%02X', char2nr(strpart(letter, n, 1))))->join('')
enddef

def Path(uri: string): string
  const path = substitute(uri, '^file://', '', '')->escape('\"')
  return eval('"' .. substitute(path, '%\(\x\x\)', '\\x\1', 'g') .. '"')
enddef

# What an answer has to say; the document that it names is opened, if nobody did.
def Answered(answer: dict<any>)
  if has_key(answer, 'path') && !get(answer, 'shown', false)
    execute 'split' fnameescape(answer.path)
    normal! G$
  elseif has_key(answer, 'text')
    for line in split(answer.text, "\n")
      echomsg line
    endfor
  endif
enddef

def Choose(answer: dict<any>)
  if empty(answer.questions)
    echomsg 'Claw asks nothing'
    return
  endif
  const question = Picked('Claw asks:', answer.questions)
  if empty(question)
    return
  endif
  const choice = Picked($'Claw: {question.title}', question.choices)
  if !empty(choice)
    Request('claw.answer', {question: question.question, choice: choice.choice}, Answered)
  endif
enddef

def Picked(title: string, things: list<dict<any>>): dict<any>
  if len(things) == 1
    return things[0]
  endif
  const n = inputlist([title] + mapnew(things, (n, it) => $'{n + 1}. {it.title}'))
  return n >= 1 && n <= len(things) ? things[n - 1] : {}
enddef

def List(answer: dict<any>)
  setqflist([], ' ', {title: 'Claw', items: mapnew(answer.hunks, (_, it) => ({
    filename: Path(it.uri), lnum: it.range.start.line + 1, text: $'{it.state}: {split(it.after .. "\n" .. it.before, "\n")->get(0, "")}',
  }))})
  if empty(answer.hunks)
    echomsg 'Claw: no change waits for review'
  else
    copen
  endif
enddef

# The first of the commands for changes that were made, the second for proposals.
def Settle(commands: list<string>, first: number, last: number)
  Request('claw.hunks', {uri: Uri()}, (answer) => {
    const here = filter(copy(answer.hunks), (_, it) => it.range.start.line < last && it.range.end.line >= first - 1)
    if empty(here)
      echomsg 'Claw: no change waits there'
    endif
    for it in here
      Request(commands[it.state == 'proposed' ? 1 : 0], {hunk: it.hunk}, Answered)
    endfor
  })
enddef

def Complete(_: string, line: string, _: number): string
  return join(ABOUT + ['answer', 'chat', 'cost', 'diff', 'help', 'hunks', 'keep', 'model', 'revert', 'send', 'status', 'stop'], "\n")
enddef

command! -nargs=+ -range -complete=custom,Complete Claw Run(<line1>, <line2>, <range> > 0, <q-args>)

--- `:Claw NAME …`: what each name does, and what can follow it.
local say = require('claw.say')
local send = require('claw.send')
local M = {}

local SCOPES = { 'file', 'prompt', 'all' }
local MODES = { 'default', 'acceptEdits', 'plan', 'auto', 'bypassPermissions', 'dontAsk' }
local EFFORTS = { 'low', 'medium', 'high', 'xhigh', 'max' }
local MODELS = { 'opus', 'sonnet', 'haiku' }
local CHOICES = { 'deny', 'once', 'session', 'always' }

local function with_subject(given, args, then_)
  require('claw.server').with(function(client)
    then_(vim.tbl_extend('force', require('claw.where').subject(client, given), args))
  end)
end

--- A turn about the file and the lines; the words after the name are the prompt.
local function turn(name)
  return function(words, given)
    with_subject(given, { prompt = words ~= '' and words or nil }, function(args)
      send.command(name, args)
    end)
  end
end

local function ask(words, given)
  if words ~= '' then
    return turn('ask')(words, given)
  end
  vim.ui.input({ prompt = 'Ask Claw: ' }, function(typed)
    if typed and vim.trim(typed) ~= '' then
      turn('ask')(typed, given)
    end
  end)
end

--- What the other servers say of the lines in question goes along.
local function fix(words, given)
  with_subject(given, { prompt = words ~= '' and words or nil }, function(args)
    local claw = require('claw.server').client()
    args.diagnostics = require('claw.languages').on_rows(0, given.line1 - 1, given.line2 - 1, claw)
    send.command('fix', args)
  end)
end

--- A commit message: into the buffer where one is written, else into a split and the register ".
local function commit(_, given)
  with_subject(given, {}, function(args)
    local bufnr = vim.api.nvim_get_current_buf()
    send.command('commitMessage', { uri = args.uri }, function(begun)
      send.command('wait', { run = begun.run }, function(answer)
        local text = vim.trim(answer.text or '')
        if answer.stopped ~= 'done' or text == '' then
          return say.warn('No commit message was written: ' .. (text ~= '' and text or tostring(answer.stopped)))
        elseif vim.api.nvim_buf_is_valid(bufnr) and vim.bo[bufnr].filetype == 'gitcommit' then
          return vim.api.nvim_buf_set_lines(bufnr, 0, 0, false, vim.split(text, '\n'))
        end
        vim.fn.setreg('"', text)
        say.show(text .. '\n\n_p puts it into a buffer_')
      end)
    end)
  end)
end

--- The server shows them by `claw/pick` and opens the chat of the one that is picked.
local function sessions()
  send.command('sessions', {}, function(answer)
    if answer.sessions and #answer.sessions == 0 then
      say.say('There are no sessions in this workspace yet; :Claw chat begins one.')
    end
  end)
end

--- What is before the cursor goes first: all files of the prompt whose change or proposal is on this line.
local function diff(words)
  local hunk = require('claw.hunks').here()
  local args = {}
  if words == 'git' then
    args.uri = 'git'
  elseif words == 'file' then
    args.uri = vim.uri_from_bufnr(0)
  elseif words == '' and hunk then
    args.hunk = hunk.hunk
  end
  send.command('diff', args, function(answer)
    if answer.shown then
      return
    elseif type(answer.diff) == 'string' and answer.diff ~= '' then
      return say.split(vim.split(vim.trim(answer.diff), '\n'), 'diff')
    end
    send.tell(answer)
  end)
end

--- Show or set one of the three that a session has.
local function setting(name)
  return function(words)
    send.command(name, { [name] = words ~= '' and words or nil }, function(answer)
      say.say(answer.text or ('%s: %s'):format(name, answer[name] or '?'))
    end)
  end
end

local function plain(name)
  return function()
    send.command(name, {})
  end
end

local function stop()
  send.command('stop', {}, function(answer)
    local n = #(answer.stopped or {})
    say.say(n == 0 and 'Nothing is running.' or ('Stopped %d turn%s.'):format(n, n == 1 and '' or 's'))
  end)
end

local function review(name)
  return function(words)
    require('claw.review')[name](words)
  end
end

local function text_of(words, name, what)
  if words ~= '' then
    return send.command(name, { prompt = words })
  end
  vim.ui.input({ prompt = what }, function(typed)
    if typed and vim.trim(typed) ~= '' then
      send.command(name, { prompt = typed })
    end
  end)
end

--- By name: {what it does, what can follow}.
M.subcommands = {
  ask = { ask },
  chat = {
    function(words)
      send.command('chat', { prompt = words ~= '' and words or nil })
    end,
  },
  edit = { turn('edit') },
  explain = { turn('explain') },
  fix = { fix },
  tests = { turn('tests') },
  document = { turn('document') },
  refactor = { turn('refactor') },
  review = { turn('review') },
  commit = { commit },
  keep = { review('keep'), SCOPES },
  revert = { review('revert'), SCOPES },
  apply = { review('apply'), SCOPES, announced = 'apply' },
  dismiss = { review('dismiss'), SCOPES, announced = 'dismiss' },
  hunks = { review('list') },
  next = { review('next') },
  previous = { review('previous') },
  diff = { diff, { 'file', 'all', 'git' } },
  stop = { stop },
  status = { plain('status') },
  cost = { plain('cost') },
  help = { plain('help') },
  hooks = { plain('hooks') },
  mcp = { plain('mcp') },
  init = { plain('init') },
  memory = { plain('memory') },
  retry = { plain('retry') },
  clear = { plain('clear') },
  model = { setting('model'), MODELS },
  mode = { setting('mode'), MODES },
  effort = { setting('effort'), EFFORTS },
  sessions = { sessions },
  steer = {
    function(words)
      text_of(words, 'steer', 'Say to Claw: ')
    end,
  },
  questions = {
    function()
      require('claw.questions').answer('')
    end,
  },
  answer = {
    function(words)
      require('claw.questions').answer(words)
    end,
    CHOICES,
  },
  send = {
    function()
      require('claw.chat').send()
    end,
  },
  restart = {
    function()
      require('claw.server').restart()
    end,
  },
}

--- What the server announced, without the `claw.`; nil while none runs.
local function announced()
  local client = package.loaded['claw.server'] and require('claw.server').client()
  local commands = client and vim.tbl_get(client.server_capabilities or {}, 'executeCommandProvider', 'commands')
  return commands and vim.tbl_map(function(it)
    return (it:gsub('^claw%.', ''))
  end, commands)
end

--- Every name that can be given now: ours, less those the server cannot do, and whatever else it can do.
local function names()
  local there = announced()
  local found = {}
  for name, it in pairs(M.subcommands) do
    if not (it.announced and there) or vim.list_contains(there, it.announced) then
      found[name] = true
    end
  end
  -- These are what `commit`, `revert` and the rest are made of.
  local parts = { commitMessage = true, undo = true, wait = true }
  for _, name in ipairs(there or {}) do
    if not parts[name] then
      found[name] = true
    end
  end
  return vim.fn.sort(vim.tbl_keys(found))
end

--- A command we have no words for: its fields as JSON, or none.
local function other(name, words)
  local args = {}
  if words ~= '' then
    local ok, read = pcall(vim.json.decode, words)
    if not ok or type(read) ~= 'table' then
      return say.warn((':Claw %s takes its fields as JSON, like {"session": "…"} (docs/commands.md)'):format(name))
    end
    args = read
  end
  send.command(name, args)
end

M.run = say.safely(':Claw', function(given)
  local name, words = given.args:match('^%s*(%S+)%s*(.-)%s*$')
  if not name then
    return vim.ui.select(names(), { prompt = 'Claw: ' }, function(picked)
      if picked then
        M.run(vim.tbl_extend('force', given, { args = picked }))
      end
    end)
  end
  local known = M.subcommands[name]
  if known then
    known[1](words, given)
  elseif vim.list_contains(announced() or {}, name) then
    other(name, words)
  else
    say.warn((':Claw %s: there is no such command; there are %s'):format(name, table.concat(names(), ', ')))
  end
end)

--- For the command line: the names, then what can follow the name that stands there.
function M.complete(lead, line, position)
  local before = line:sub(1, position):match('Claw!?%s+(.*)$') or ''
  local name = before:match('^(%S+)%s')
  local offered = not name and names() or (M.subcommands[name] or {})[2] or {}
  if name and before:match('^%S+%s+%S+%s') then
    return {}
  end
  return vim.tbl_filter(function(it)
    return vim.startswith(it, lead)
  end, offered)
end

return M

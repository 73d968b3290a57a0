--- What the server asks of us and tells us: standard messages that we take better care of, and those of docs/shims.md.
local say = require('claw.say')
local M = {}

local function client_of(context)
  return assert(vim.lsp.get_client_by_id(context.client_id), 'the client is gone')
end

local LEVELS = { vim.log.levels.ERROR, vim.log.levels.WARN, vim.log.levels.INFO, vim.log.levels.INFO }

local function told(_, params)
  say.say(params.message, LEVELS[params.type])
end

--- Facts behind which other programs may have written to the disk.
local RAN = { call_finished = true, hooked = true }

local function happened(_, event, context)
  if event.kind == 'status' then
    require('claw.status').heard(event, context.client_id)
  elseif event.kind == 'hunks' then
    require('claw.hunks').heard(event.uri, event.hunks or {})
  elseif type(event.event) == 'table' and RAN[event.event.kind] then
    require('claw.save').reread()
  end
  vim.api.nvim_exec_autocmds('User', { pattern = 'ClawEvent', modeline = false, data = event })
end

local function picked(_, params)
  return require('claw.boxes').pick(params)
end

local function typed(_, params)
  return require('claw.boxes').input(params)
end

local function compared(_, params)
  return require('claw.diff').show(params)
end

local function looked_up(_, params, context)
  return require('claw.languages').ask(params, client_of(context))
end

local function saved(_, params)
  return require('claw.save').save(params)
end

local function edited(_, params, context)
  return require('claw.edits').apply(params, client_of(context))
end

local function shown(error, params, context)
  return require('claw.server').shown_by(context.client_id, function()
    if require('claw.chat').shows(params, client_of(context)) then
      return { success = true }
    end
    return vim.lsp.handlers['window/showDocument'](error, params, context)
  end)
end

local function asked(_, params)
  return require('claw.questions').ask(params)
end

--- A request must be answered: vim.NIL where there is nothing to say.
local function request(what, run)
  local safely = say.safely(what, run)
  return function(...)
    local answer = safely(...)
    return answer == nil and vim.NIL or answer
  end
end

M.all = {
  ['window/showMessage'] = say.safely('showing a message', told),
  ['window/showMessageRequest'] = request('asking', asked),
  ['window/showDocument'] = request('showing a document', shown),
  ['workspace/applyEdit'] = request('making an edit', edited),
  ['claw/event'] = say.safely('an event', happened),
  ['claw/save'] = request('saving', saved),
  ['claw/pick'] = request('picking', picked),
  ['claw/input'] = request('asking for words', typed),
  ['claw/diff'] = request('showing a difference', compared),
  ['claw/languageFeature'] = request('asking the other servers', looked_up),
}

return M

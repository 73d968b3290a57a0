--- What the server says of itself: its last status, what it is doing, and the line made of both.
local say = require('claw.say')
local M = {}

--- The last status of each server: there is one for each project that is open.
local statuses = {}
local working = {}
local echoed = false

function M.stopped(client_id)
  statuses[client_id] = nil
  working = {}
  M._redraw()
end

--- The last status of the current buffer's server, else of one that runs; nil where none was sent.
function M.latest()
  local client = require('claw.server').client()
  return client and statuses[client.id]
end

--- `{kind: "status"}` of docs/shims.md.
function M.heard(status, client_id)
  statuses[client_id] = status
  local n_questions = 0
  for _, it in pairs(statuses) do
    n_questions = n_questions + (it.questions or 0)
  end
  require('claw.questions').counted(n_questions)
  M._redraw()
end

--- How many questions wait: as the server says, and at least those that wait here for a quiet moment.
function M.questions()
  local status = M.latest()
  return math.max(status and status.questions or 0, require('claw.questions').n_waiting())
end

local function tokens_percent(context)
  if type(context) == 'table' and context.used and context.window and context.window > 0 then
    return ('%d %%'):format(math.floor(100 * context.used / context.window + 0.5))
  end
end

local function counted(n, what)
  return n and n > 0 and ('%d %s%s'):format(n, what, n == 1 and '' or 's') or nil
end

--- model · mode · context % · cost · what runs · what waits
function M.line()
  if #vim.lsp.get_clients({ name = 'claw' }) == 0 then
    return ''
  end
  local status = M.latest() or {}
  local _, activity = next(working)
  local parts = {
    status.model and status.model:gsub('^claude%-', '') or 'claw',
    status.mode,
    tokens_percent(status.context),
    status.cost and ('$%.2f'):format(status.cost),
    activity or (status.runs and status.runs[1] and (status.runs[1].activity or status.runs[1].title)),
    counted(M.questions(), 'question'),
    counted((status.hunks or 0) + (status.proposals or 0), 'change'),
  }
  local shown = {}
  for n = 1, 7 do
    if parts[n] and parts[n] ~= '' then
      table.insert(shown, parts[n])
    end
  end
  -- A status line reads % as the beginning of an item.
  return (table.concat(shown, ' · '):gsub('%%', '%%%%'))
end

--- `$/progress` of a turn: kept for the status line, and said at the bottom where nothing else stands there.
function M.progress(params)
  local value = params.value
  if type(value) ~= 'table' then
    return
  end
  if value.kind == 'end' then
    working[params.token] = nil
  else
    local doing = value.message ~= '' and value.message or nil
    working[params.token] = (doing or value.title or ''):gsub('%s*\n%s*', ' ')
  end
  M._redraw()
  M._echo()
end

--- Only in normal mode: elsewhere the line at the bottom is used for something else.
function M._echo()
  if not require('claw.options').current.progress or vim.api.nvim_get_mode().mode ~= 'n' then
    return
  end
  local _, activity = next(working)
  if activity then
    vim.api.nvim_echo({ { say.cut('Claw: ' .. activity), 'Comment' } }, false, {})
  elseif echoed then
    vim.api.nvim_echo({ { '' } }, false, {})
  end
  echoed = activity ~= nil
end

function M._redraw()
  vim.schedule(function()
    vim.cmd.redrawstatus({ bang = true })
  end)
end

return M

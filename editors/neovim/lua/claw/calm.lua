--- Boxes come when the person's hands are still: keys meant for the text must never fall into one.
local say = require('claw.say')
local M = {}

local STILL, LOOK = 400, 50
--- A picker that was closed without telling us must not keep the next box away for ever.
local FORGOTTEN = 60000

local queue = {}
local pressed = 0
local busy = nil
local timer
local keys = vim.api.nvim_create_namespace('claw.keys')

local function in_normal_mode()
  local mode = vim.api.nvim_get_mode()
  return mode.mode == 'n' and not mode.blocking and vim.fn.getcmdwintype() == ''
end

local function stop_looking()
  if timer then
    timer:stop()
    timer:close()
    timer = nil
  end
  vim.on_key(nil, keys)
end

local function look()
  if #queue == 0 then
    return stop_looking()
  end
  local first = queue[1]
  local open = busy and vim.uv.now() - busy < FORGOTTEN
  if open or not in_normal_mode() or (not first.at_once and vim.uv.now() - pressed < STILL) then
    return
  end
  table.remove(queue, 1)
  local opened = vim.uv.now()
  busy = opened
  local function closed()
    busy = busy ~= opened and busy or nil
  end
  local ok, why = pcall(first.open, closed)
  if not ok then
    closed()
    error(why, 0)
  end
end

--- Open a box in normal mode; and when no key was pressed for a moment, unless the person just asked for it (`at_once`).
--- `open(closed)` must call `closed` when the box is gone. Answers a function that withdraws it.
function M.open(at_once, open)
  local waiting = { at_once = at_once, open = open }
  table.insert(queue, waiting)
  if not timer then
    -- Nobody knows what was pressed just before.
    pressed = vim.uv.now()
    vim.on_key(function()
      pressed = vim.uv.now()
    end, keys)
    timer = assert(vim.uv.new_timer())
    timer:start(0, LOOK, vim.schedule_wrap(say.safely('opening a box', look)))
  end
  return function()
    for n, it in ipairs(queue) do
      if it == waiting then
        return table.remove(queue, n)
      end
    end
  end
end

--- Whether a box that is not `at_once` would have to wait.
function M.typing()
  return not in_normal_mode()
end

--- Wait, in a coroutine, for a box: `open(answer)` shows it. Answers what the box answered, vim.NIL for nothing.
function M.answer(at_once, open)
  local here = coroutine.running()
  M.open(at_once, function(closed)
    local answered = false
    local function answer(value)
      if not answered then
        answered = true
        closed()
        -- Scheduled: a box that answers at once must not resume what has not yielded yet.
        vim.schedule(function()
          coroutine.resume(here, value == nil and vim.NIL or value)
        end)
      end
    end
    local ok, why = pcall(open, answer)
    if not ok then
      say.once('claw: a box could not be shown: ' .. tostring(why), vim.log.levels.ERROR)
      answer(nil)
    end
  end)
  return coroutine.yield()
end

return M

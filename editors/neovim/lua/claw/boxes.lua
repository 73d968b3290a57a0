--- `claw/pick` and `claw/input`, by vim.ui.select and vim.ui.input, whatever they are here.
local calm = require('claw.calm')
local M = {}

local function line_of(item)
  local text = item.label
  for _, more in ipairs({ item.description, item.detail }) do
    if type(more) == 'string' and more ~= '' then
      text = text .. '  ' .. more
    end
  end
  return (text:gsub('%s*\n%s*', ' '))
end

local DONE = {}

--- Several of the items: each choice ticks one or takes its tick away, until the first line is chosen.
local function pick_many(params, ticked, answer)
  local items = vim.list_extend({ DONE }, params.items)
  vim.ui.select(items, {
    prompt = params.title .. ': ',
    kind = 'claw_pick',
    format_item = function(item)
      if item == DONE then
        return ('Done: %d of %d'):format(vim.tbl_count(ticked), #params.items)
      end
      return (ticked[item.id] and '[x] ' or '[ ] ') .. line_of(item)
    end,
  }, function(item)
    if item == nil then
      return answer(nil)
    elseif item == DONE then
      local ids = {}
      for _, it in ipairs(params.items) do
        if ticked[it.id] then
          table.insert(ids, it.id)
        end
      end
      return answer(ids)
    end
    ticked[item.id] = not ticked[item.id] or nil
    vim.schedule(function()
      pick_many(params, ticked, answer)
    end)
  end)
end

local function pick_one(params, answer)
  vim.ui.select(params.items, {
    prompt = params.title .. ': ',
    kind = 'claw_pick',
    format_item = function(item)
      return (item.picked and '* ' or '  ') .. line_of(item)
    end,
  }, function(item)
    answer(item and { item.id })
  end)
end

--- In a coroutine: the ids that were picked, or vim.NIL.
function M.pick(params)
  return calm.answer(true, function(answer)
    if not params.many then
      return pick_one(params, answer)
    end
    local ticked = {}
    for _, it in ipairs(params.items) do
      ticked[it.id] = it.picked or nil
    end
    pick_many(params, ticked, answer)
  end)
end

--- In a coroutine: the text, or vim.NIL.
function M.input(params)
  return calm.answer(true, function(answer)
    local hint = params.placeholder
    hint = type(hint) == 'string' and hint ~= '' and (' (%s)'):format(hint) or ''
    vim.ui.input({ prompt = params.title .. hint .. ': ', default = params.value or '' }, answer)
  end)
end

return M

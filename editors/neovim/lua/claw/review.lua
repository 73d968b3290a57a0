--- Going from one change to the next, keeping it and taking it back.
local hunk_of = require('claw.hunk')
local hunks = require('claw.hunks')
local say = require('claw.say')
local M = {}

local function go(forwards)
  local found = hunks.places(vim.api.nvim_get_current_buf())
  if #found == 0 then
    return say.say('No changes of Claw wait here (:Claw hunks lists all)')
  end
  for _ = 1, vim.v.count1 do
    local row = vim.api.nvim_win_get_cursor(0)[1] - 1
    local target
    for _, it in ipairs(found) do
      if forwards and it.row > row then
        target = target or it
      elseif not forwards and it.row < row then
        target = it
      end
    end
    target = target or (forwards and found[1] or found[#found])
    vim.cmd("normal! m'")
    vim.api.nvim_win_set_cursor(0, { target.row + 1, 0 })
    vim.cmd('normal! ^')
  end
end

function M.next()
  go(true)
end

function M.previous()
  go(false)
end

--- Answer what is on the cursor's line, or what `scope` says: file, prompt or all.
local function settle(names, scope)
  local hunk = hunks.here()
  local name = names[hunk and hunk.state == 'proposed' and 2 or 1]
  local args
  if scope == 'all' then
    args = { all = true }
  elseif scope == 'file' then
    args = { uri = vim.uri_from_bufnr(0) }
  elseif not hunk then
    return say.warn('No change of Claw on this line; ]h goes to the next, :Claw hunks lists all')
  elseif scope == 'prompt' then
    args = { prompt_id = hunk.prompt_id }
  else
    args = { hunk = hunk.hunk }
  end
  require('claw.send').command(name, args)
end

function M.keep(scope)
  settle({ 'keep', 'apply' }, scope)
end

function M.revert(scope)
  settle({ 'undo', 'dismiss' }, scope)
end

function M.apply(scope)
  settle({ 'apply', 'apply' }, scope)
end

function M.dismiss(scope)
  settle({ 'dismiss', 'dismiss' }, scope)
end

--- All that wait, in the quickfix list.
function M.list()
  require('claw.send').command('hunks', {}, function(answer)
    local client = require('claw.server').client()
    local items = {}
    for _, hunk in ipairs(answer.hunks or {}) do
      local bufnr = vim.uri_to_bufnr(hunk.uri)
      vim.fn.bufload(bufnr)
      local it = hunk_of.spot(bufnr, hunk.range, client and client.offset_encoding or 'utf-8')
      table.insert(items, {
        bufnr = bufnr,
        lnum = it.first_row + 1,
        end_lnum = it.last_row + 1,
        col = it.first_row == it.row and it.column + 1 or 1,
        text = hunk_of.words(bufnr, it, hunk),
        type = 'I',
      })
    end
    if #items == 0 then
      return say.say('No changes of Claw wait for review.')
    end
    vim.fn.setqflist({}, ' ', { title = 'Changes of Claw', items = items })
    vim.cmd('botright copen')
  end)
end

local function is_mapped(bufnr, key)
  local raw = vim.api.nvim_replace_termcodes(key, true, true, true)
  return vim.iter(vim.api.nvim_buf_get_keymap(bufnr, 'n')):any(function(it)
    return it.lhsraw == raw or it.lhsrawalt == raw
  end)
end

--- The keys are there as long as there are hunks. A key the person has in this buffer stays theirs.
function M.map(bufnr)
  if vim.b[bufnr].claw_keys then
    return
  end
  local does = {
    next = { 'Next change of Claw', M.next },
    previous = { 'Previous change of Claw', M.previous },
    keep = { 'Keep this change of Claw', M.keep },
    revert = { 'Revert this change of Claw', M.revert },
  }
  local set = {}
  for name, it in pairs(does) do
    local key = require('claw.options').current.keymaps[name]
    if key and key:find('<[lL]eader>') then
      key = key:gsub('<[lL]eader>', vim.g.mapleader or '\\')
    end
    if key and not is_mapped(bufnr, key) then
      vim.keymap.set('n', key, say.safely(it[1], function()
        it[2]()
      end), { buffer = bufnr, desc = it[1] })
      table.insert(set, key)
    end
  end
  vim.b[bufnr].claw_keys = set
end

function M.unmap(bufnr)
  for _, key in ipairs(vim.b[bufnr].claw_keys or {}) do
    pcall(vim.keymap.del, 'n', key, { buffer = bufnr })
  end
  vim.b[bufnr].claw_keys = nil
end

return M

--- What is said to the person: a line at the bottom, all of it in :messages; and errors that break nothing.
local M = {}

--- Say it. Where Neovim's own vim.notify would stop at "Press ENTER", as much as fits is shown; :messages has it all.
function M.say(text, level)
  level = level or vim.log.levels.INFO
  text = vim.trim(text)
  local own = debug.getinfo(vim.notify, 'S').source:find('vim/_editor', 1, true) ~= nil
  if not own or (vim.fn.strdisplaywidth(text) <= vim.v.echospace and not text:find('\n')) then
    return vim.notify(text, level)
  end
  local more, waits = vim.o.more, vim.o.messagesopt
  vim.o.more = false
  vim.o.messagesopt = waits:gsub('hit%-enter', 'wait:0')
  vim.notify(text, level)
  vim.o.more, vim.o.messagesopt = more, waits
  vim.cmd.redraw()
  local highlight = level >= vim.log.levels.ERROR and 'ErrorMsg' or level == vim.log.levels.WARN and 'WarningMsg' or nil
  local line = text:gsub('%s*\n%s*', ' · ')
  vim.api.nvim_echo({ { M.cut(line, ' … (:messages)'), highlight } }, false, {})
end

--- As much of a line as fits at the bottom of the screen.
function M.cut(line, ending)
  ending = ending or '…'
  local space = vim.v.echospace
  if vim.fn.strdisplaywidth(line) <= space then
    return line
  end
  local room = math.max(space - vim.fn.strdisplaywidth(ending), 1)
  local kept = vim.fn.strcharpart(line, 0, room)
  while vim.fn.strdisplaywidth(kept) > room do
    kept = vim.fn.strcharpart(kept, 0, vim.fn.strchars(kept) - 1)
  end
  return kept .. ending
end

function M.warn(text)
  M.say(text, vim.log.levels.WARN)
end

local told = {}

--- Say it once in the life of this Neovim.
function M.once(text, level)
  if not told[text] then
    told[text] = true
    M.say(text, level)
  end
end

--- The same function, which on an error says so once and answers `otherwise`.
function M.safely(what, run, otherwise)
  return function(...)
    local answers = vim.F.pack_len(pcall(run, ...))
    if answers[1] then
      return unpack(answers, 2, answers.n)
    end
    M.once(('claw: %s failed, which is a fault of the plugin: %s'):format(what, answers[2]), vim.log.levels.ERROR)
    return otherwise
  end
end

local LONG = 12

--- Show a text: at the bottom if it is a line, in a window that goes when the cursor moves, or, a long one, in a split.
function M.show(text)
  local lines = vim.split(vim.trim(text), '\n')
  if #lines == 1 and vim.fn.strdisplaywidth(lines[1]) <= vim.v.echospace then
    M.say(lines[1])
  elseif #lines > LONG then
    M.split(lines, 'markdown')
  else
    local look = { border = 'rounded', focus_id = 'claw', max_width = 100, relative = 'editor' }
    vim.lsp.util.open_floating_preview(lines, 'markdown', look)
  end
end

--- Lines to read in a window of their own, which the key of the differences closes.
function M.split(lines, syntax)
  local bufnr = vim.api.nvim_create_buf(false, true)
  vim.api.nvim_buf_set_lines(bufnr, 0, -1, false, lines)
  vim.bo[bufnr].bufhidden = 'wipe'
  vim.bo[bufnr].syntax = syntax
  vim.bo[bufnr].modifiable = false
  local window = vim.api.nvim_open_win(bufnr, true, { split = 'below', win = -1, height = math.floor(vim.o.lines / 2) })
  vim.wo[window][0].wrap = true
  vim.wo[window][0].linebreak = true
  local key = require('claw.options').current.keymaps.close
  if key then
    vim.keymap.set('n', key, '<Cmd>close<CR>', { buffer = bufnr, nowait = true, desc = 'Close' })
  end
end

return M

--- What a configuration calls. Everything behind it is loaded when it is first used.
local M = {}

--- Start claw-lsp beside the other language servers, in every file. See |claw-options|.
function M.setup(given)
  if vim.fn.has('nvim-0.11') == 0 then
    return vim.notify('claw needs Neovim 0.11 or newer; this one is ' .. tostring(vim.version()), vim.log.levels.ERROR)
  end
  local options, faults = require('claw.options').read(given)
  M.define_command()
  require('claw.server').enable(options)
  if #faults > 0 then
    local what = 'claw: setup{} was told something it cannot use, and took its default:\n'
    require('claw.say').say(what .. table.concat(faults, '\n'), vim.log.levels.ERROR)
  end
end

--- `:Claw`, also without |claw.setup()|.
function M.define_command()
  vim.api.nvim_create_user_command('Claw', function(given)
    require('claw.command').run(given)
  end, {
    nargs = '*',
    range = true,
    desc = 'Claw: ask, edit, review, chat …',
    complete = function(lead, line, position)
      return require('claw.command').complete(lead, line, position)
    end,
  })
end

--- Before a server was to start there is no status, and nothing is loaded for one.
local function of_status(name, otherwise)
  if not package.loaded['claw.server'] then
    return otherwise
  end
  return require('claw.status')[name]()
end

--- Model, mode, context, cost and what waits, for a status line; "" where no server runs.
function M.statusline()
  return of_status('line', '')
end

--- What the status line is made of: the last status of the server's (docs/shims.md), or nil.
function M.status()
  return of_status('latest', nil)
end

--- How many questions wait for an answer.
function M.questions()
  return of_status('questions', 0)
end

return M

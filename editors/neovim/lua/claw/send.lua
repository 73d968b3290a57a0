--- Commands of the server's, and what becomes of their answers.
local say = require('claw.say')
local M = {}

--- Run `claw.NAME`; `then_(answer)` gets its answer, without it the answer's text is shown. Errors are said.
function M.command(name, args, then_)
  require('claw.server').with(function(client)
    local params = { command = 'claw.' .. name, arguments = { next(args) and args or vim.empty_dict() } }
    local bufnr = vim.api.nvim_get_current_buf()
    client:request('workspace/executeCommand', params, say.safely(':Claw ' .. name, function(error, answer)
      if error then
        return say.say(('claw %s: %s'):format(name, error.message), vim.log.levels.ERROR)
      end
      answer = type(answer) == 'table' and answer or {};
      (then_ or M.tell)(answer)
    end), bufnr)
  end)
end

--- Show the text of an answer, where it has one and no document shows it.
function M.tell(answer)
  if not answer.shown and type(answer.text) == 'string' and vim.trim(answer.text) ~= '' then
    say.show(answer.text)
  end
end

return M

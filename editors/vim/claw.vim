" The coding agent claw-lsp in Vim 9, through vim-lsp or coc.nvim: whichever of the two is there. It runs in every file.
let g:claw_command = [@CLAW@, 'serve']
execute 'source' fnameescape(@SHIPPED:vim/client.vim@)

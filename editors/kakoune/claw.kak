# claw-lsp beside the language's own servers, in buffers of every filetype. Belongs after `eval %sh{kak-lsp}`; needs
# kakoune-lsp 18 or newer, and lsp-enable (or lsp-enable-window) where you want it.
define-command -override -hidden claw-add-server %{
    set-option -add buffer lsp_servers %{
        [claw]
        root_globs = [".git", ".hg", ".claw", "CLAW.md", "CLAUDE.md", "AGENTS.md"]
        command = @CLAW@
        args = ["serve"]
    }
}
# A filetype may be set twice, the server may not.
hook -group claw global BufSetOption filetype=.+ %{
    evaluate-commands %sh{
        case "$kak_opt_lsp_servers" in *'[claw]'*) ;; *) echo claw-add-server ;; esac
    }
}

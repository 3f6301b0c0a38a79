/** Shells whose completion we know. */
export const SHELLS = ['bash', 'fish', 'zsh'] as const;
export type ShellName = (typeof SHELLS)[number];

/*
 * Each script asks `ktrdr-agent __complete`, which prints a candidate a line, with a description behind a tab,
 * and `:files` where files are meant. So a script never has to be made anew for a newer version.
 */

/**
 * bash cuts words at the characters of COMP_WORDBREAKS, = and : among them, so the line itself is given, and
 * what the last word has before such a character is taken off the candidates again.
 */
const BASH = `# bash completion of ktrdr-agent; see: ktrdr-agent completion --help
_ktrdr_agent() {
  local word prefix='' breaks value description files=''
  word="\${COMP_LINE:0:COMP_POINT}"
  word="\${word##*[[:space:]]}"
  breaks="\${COMP_WORDBREAKS//[^=:]/}"
  if [[ -n $breaks ]]; then prefix="\${word%"\${word##*[$breaks]}"}"; fi
  COMPREPLY=()
  while IFS=$'\\t' read -r value description; do
    case "$value" in
      :files) files=1 ;;
      "$word"*) COMPREPLY+=("\${value#"$prefix"}") ;;
    esac
  done < <("\${COMP_WORDS[0]}" __complete --line "\${COMP_LINE:0:COMP_POINT}" 2>/dev/null)
  if [[ -n $files ]]; then
    compopt -o filenames 2>/dev/null
    while IFS= read -r value; do COMPREPLY+=("$value"); done < <(compgen -f -- "\${word#"$prefix"}")
  elif [[ \${#COMPREPLY[@]} -eq 1 && \${COMPREPLY[0]} == *= ]]; then
    compopt -o nospace 2>/dev/null
  fi
}
complete -F _ktrdr_agent ktrdr-agent
`;

const ZSH = `#compdef ktrdr-agent
# zsh completion of ktrdr-agent; see: ktrdr-agent completion --help
_ktrdr_agent() {
  local line value description files=''
  local -a described open
  for line in "\${(@f)$("\${words[1]}" __complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
    value="\${line%%$'\\t'*}"
    description="\${line#*$'\\t'}"
    [[ "$description" == "$line" ]] && description=''
    case "$value" in
      '') ;;
      :files) files=1 ;;
      *=) open+=("$value") ;;
      *) described+=("\${value//:/\\\\:}\${description:+:$description}") ;;
    esac
  done
  (( \${#open} )) && compadd -S '' -- "\${open[@]}"
  (( \${#described} )) && _describe -t values 'ktrdr-agent' described
  [[ -n "$files" ]] && _files
  return 0
}
if [[ "\${funcstack[1]}" == _ktrdr_agent ]]; then
  _ktrdr_agent "$@"
else
  compdef _ktrdr_agent ktrdr-agent
fi
`;

const FISH = `# fish completion of ktrdr-agent; see: ktrdr-agent completion --help
function __ktrdr_agent_complete
  set -l tokens (commandline -opc)
  set -l current (commandline -ct)
  for line in ($tokens[1] __complete -- $tokens[2..-1] "$current" 2>/dev/null)
    if test "$line" = ':files'
      __fish_complete_path "$current"
    else
      echo $line
    end
  end
end
complete -c ktrdr-agent -f -a '(__ktrdr_agent_complete)'
`;

export const SCRIPTS: Readonly<Record<ShellName, string>> = { bash: BASH, fish: FISH, zsh: ZSH };

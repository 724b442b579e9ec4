namespace CsiThin.Core.Tests.House;

/// <summary>
/// Tells C# code, comments and literals apart. Knows all kinds of strings; the holes of an interpolated one are code (those of a raw one
/// are left out, as no rule looks there).
/// </summary>
internal sealed class SourceLexer
{
    private readonly string _text;
    private readonly char[] _code;
    private readonly char[] _comments;
    private int _at;

    private SourceLexer(string text)
    {
        _text = text;
        _code = Blank(text);
        _comments = Blank(text);
    }

    /// <summary>The code and the comments of a file, each as long as the file.</summary>
    public static (string Code, string Comments) Split(string text)
    {
        var lexer = new SourceLexer(text);
        lexer.ScanCode(inHole: false);
        return (new string(lexer._code), new string(lexer._comments));
    }

    private static char[] Blank(string text) => [.. text.Select(c => c == '\n' ? '\n' : ' ')];

    // Up to the end of the text, or to the brace that ends the hole of an interpolated string.
    private void ScanCode(bool inHole)
    {
        for (var depth = 0; _at < _text.Length;)
        {
            if (inHole && depth == 0 && _text[_at] == '}')
                return;
            if (TryComment() || TryString())
                continue;
            depth += _text[_at] switch { '{' => 1, '}' => -1, _ => 0 };
            _code[_at] = _text[_at];
            _at++;
        }
    }

    private bool TryComment()
    {
        if (!StartsWith("//") && !StartsWith("/*"))
            return false;
        var end = StartsWith("//") ? _text.IndexOf('\n', _at) : _text.IndexOf("*/", _at + 2, StringComparison.Ordinal) + 2;
        end = end < _at + 2 ? _text.Length : end;
        _text.CopyTo(_at, _comments, _at, end - _at);
        _at = end;
        return true;
    }

    private bool TryString()
    {
        if (_text[_at] == '\'')
        {
            SkipPlain('\'');
            return true;
        }
        var prefix = 0;
        while (_at + prefix < _text.Length && _text[_at + prefix] is '$' or '@')
            prefix++;
        if (_at + prefix >= _text.Length || _text[_at + prefix] != '"')
            return false;
        var (isInterpolated, isVerbatim) = (_text.AsSpan(_at, prefix).Contains('$'), _text.AsSpan(_at, prefix).Contains('@'));
        _at += prefix;
        if (StartsWith("\"\"\""))
            SkipRaw();
        else if (isInterpolated)
            SkipInterpolated(isVerbatim);
        else if (isVerbatim)
            SkipVerbatim();
        else
            SkipPlain('"');
        return true;
    }

    private void SkipRaw()
    {
        var quotes = 0;
        while (_at < _text.Length && _text[_at] == '"')
            (quotes, _at) = (quotes + 1, _at + 1);
        var end = _text.IndexOf(new string('"', quotes), _at, StringComparison.Ordinal);
        _at = end < 0 ? _text.Length : end + quotes;
    }

    private void SkipPlain(char quote)
    {
        for (_at++; _at < _text.Length && _text[_at] != quote && _text[_at] != '\n'; _at++)
        {
            if (_text[_at] == '\\')
                _at++;
        }
        _at++;
    }

    private void SkipVerbatim()
    {
        for (_at++; _at < _text.Length; _at++)
        {
            if (StartsWith("\"\""))
                _at++;
            else if (_text[_at] == '"')
                break;
        }
        _at++;
    }

    private void SkipInterpolated(bool isVerbatim)
    {
        _at++;
        while (_at < _text.Length && _text[_at] != '"')
        {
            if (StartsWith("{{") || (!isVerbatim && _text[_at] == '\\'))
                _at++;
            else if (_text[_at] == '{')
            {
                _at++;
                ScanCode(inHole: true);
            }
            _at++;
            if (isVerbatim && StartsWith("\"\""))
                _at += 2;
        }
        _at++;
    }

    private bool StartsWith(string part) => string.CompareOrdinal(_text, _at, part, 0, part.Length) == 0;
}

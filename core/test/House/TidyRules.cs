using System.Text.RegularExpressions;

namespace CsiThin.Core.Tests.House;

/// <summary>A rule about the text of one file: what it is called, where it holds, and what breaks it.</summary>
internal sealed record TidyRule(string Name, Func<SourceFile, IEnumerable<Finding>> Check);

/// <summary>The house rules that a machine can check. Each message says what to do instead.</summary>
internal static partial class TidyRules
{
    /// <summary>Lines of a file.</summary>
    public const int MaxFileLines = 400;

    /// <summary>Lines of a member, from its first to its closing brace.</summary>
    public const int MaxMemberLines = 70;

    /// <summary>Characters of a line.</summary>
    public const int MaxLineCharacters = 140;

    /// <summary>All of them.</summary>
    public static IReadOnlyList<TidyRule> All { get; } =
    [
        Code("wall clock", Clock(), "take the time from a TimeProvider", file => file.IsProduct),
        Code("waiting", Waiting(), "wait with a TimeProvider, or on what is waited for", file => file.IsProduct),
        Code("console", ConsoleUse(), "only Cli and Program print", file =>
            file.IsProduct && !file.IsIn("driver/src/Cli") && file.Path != "driver/src/Program.cs"),
        Code("unseeded random", Unseeded(), "give it a seed that a failure can be replayed with", _ => true),
        Code("unsafe", Unsafe(), "native memory and system calls live in core/src/Device", file =>
            file.IsProduct && !file.IsIn("core/src/Device")),
        Code("async in core", Async(), "core is synchronous; waiting lives in the driver", file => file.IsIn("core/src")),
        Code("leftover", NotImplemented(), "finish it", _ => true),
        new("leftover note", file => file.Matches(file.Comments, Leftover(), "do it now, or open an issue")),
        Code("skipped test", Skipped(), "a test that cannot run is repaired or removed", _ => true),
        Text("tab", Tab(), "indent with spaces"),
        Text("trailing space", TrailingSpace(), "remove it"),
        Text("host path", HostPath(), "no path of one machine"),
        Text("byte order mark", ByteOrderMark(), "save without it"),
        new("empty documentation", file => file.Matches(file.Comments, EmptyTag(), "say something or leave the tag out")),
        new("long line", LongLines),
        new("long file", LongFile),
        new("long member", LongMembers),
    ];

    private static TidyRule Code(string name, Regex pattern, string advice, Func<SourceFile, bool> holdsIn) =>
        new(name, file => holdsIn(file) ? file.Matches(file.Code, pattern, $"{name}: {advice}") : []);

    private static TidyRule Text(string name, Regex pattern, string advice) =>
        new(name, file => file.Matches(file.Text, pattern, $"{name}: {advice}"));

    private static IEnumerable<Finding> LongLines(SourceFile file) =>
        from line in file.Text.Split('\n').Index()
        where line.Item.Length > MaxLineCharacters
        select new Finding(file.Path, line.Index + 1, $"{line.Item.Length} characters: break the line after {MaxLineCharacters} at most");

    private static IEnumerable<Finding> LongFile(SourceFile file)
    {
        var lines = file.Text.AsSpan().Count('\n');
        return lines > MaxFileLines ? [new Finding(file.Path, 1, $"{lines} lines: split it, the limit is {MaxFileLines}")] : [];
    }

    private static IEnumerable<Finding> LongMembers(SourceFile file) =>
        from member in MemberScan.Members(file.Code)
        let lines = 1 + file.Code.AsSpan(member.Start, member.End - member.Start).Count('\n')
        where lines > MaxMemberLines
        select file.FindingAt(member.Start, $"a member of {lines} lines: split it, the limit is {MaxMemberLines}");

    [GeneratedRegex(@"\bDateTime(Offset)?\s*\.\s*(Now|UtcNow|Today)\b")]
    private static partial Regex Clock();

    [GeneratedRegex(@"\bThread\s*\.\s*Sleep\b|\bTask\s*\.\s*Delay\s*\((?![^;]*\b_?(time|clock|timeProvider|TimeProvider)\b)")]
    private static partial Regex Waiting();

    [GeneratedRegex(@"\bConsole\s*\.")]
    private static partial Regex ConsoleUse();

    [GeneratedRegex(@"\bnew\s+Random\s*\(\s*\)|\bRandom\s+\w+\s*=\s*new\s*\(\s*\)")]
    private static partial Regex Unseeded();

    [GeneratedRegex(@"\bunsafe\b|\b(DllImport|LibraryImport)\b")]
    private static partial Regex Unsafe();

    [GeneratedRegex(@"\basync\b|\bawait\b")]
    private static partial Regex Async();

    [GeneratedRegex(@"\bNotImplementedException\b")]
    private static partial Regex NotImplemented();

    [GeneratedRegex(@"\b(TODO|FIXME|HACK|XXX)\b")]
    private static partial Regex Leftover();

    [GeneratedRegex(@"\[[^\]]*\bSkip\s*=")]
    private static partial Regex Skipped();

    [GeneratedRegex(@"\t")]
    private static partial Regex Tab();

    [GeneratedRegex(@"[ \r]+$", RegexOptions.Multiline)]
    private static partial Regex TrailingSpace();

    [GeneratedRegex(@"(?<![\w.])/(root|work|home)/")]
    private static partial Regex HostPath();

    [GeneratedRegex(@"\uFEFF")]
    private static partial Regex ByteOrderMark();

    [GeneratedRegex(@"<(summary|remarks|param|typeparam|returns|value|exception|para)\b[^>/]*>[\s/]*</\1>")]
    private static partial Regex EmptyTag();
}

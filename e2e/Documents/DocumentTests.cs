using System.Text.RegularExpressions;
using CsiThin.Core.Tests.House;
using CsiThin.EndToEnd.Support;
using Xunit;

namespace CsiThin.EndToEnd.Documents;

/// <summary>Issue 5, part 8: what the documents say is there.</summary>
public sealed partial class DocumentTests
{
    private static IEnumerable<string> Documents =>
        Directory.EnumerateFiles(Path.Combine(SourceTree.Root, "charts", "docs"), "*.md")
            .Append(Path.Combine(SourceTree.Root, "README.md"));

    [Fact]
    public void Every_value_of_the_chart_is_in_the_table() => Tool.Run(Path.Combine(SourceTree.Root, "charts", "values-table"), "--check");

    [Fact]
    public void Every_link_leads_somewhere()
    {
        var broken = from document in Documents
                     from Match link in Link().Matches(File.ReadAllText(document))
                     let target = link.Groups["path"].Value
                     where !target.Contains("://", StringComparison.Ordinal)
                     let path = target.Length == 0 ? document : Path.Combine(Path.GetDirectoryName(document)!, target)
                     let anchor = link.Groups["anchor"].Value
                     where !Path.Exists(path) || (anchor.Length > 0 && !Anchors(path).Contains(anchor))
                     select $"{Path.GetFileName(document)}: {link.Value}";
        Assert.Empty(broken);
    }

    [Fact]
    public void Every_command_exists()
    {
        var commands = (from document in Documents
                        from Match match in Command().Matches(File.ReadAllText(document))
                        select match.Groups["words"].Value).Distinct().Order().ToList();
        Assert.True(commands.Count > 20, $"only {commands.Count} commands were found");
        var unknown = from command in commands
                      let words = command.Split(' ', StringSplitOptions.RemoveEmptyEntries)
                      let help = Support.Program.Run([.. words, "--help"])
                      where help.ExitCode != 0 || !help.Output.Contains($"csi-thin {command}", StringComparison.Ordinal)
                      select $"csi-thin {command}";
        Assert.Empty(unknown);
    }

    /// <summary>The anchors of a document's headings, as GitHub makes them.</summary>
    private static HashSet<string> Anchors(string path) =>
        [.. from line in File.ReadLines(path)
            where line.StartsWith('#')
            let heading = line.TrimStart('#').Trim().ToLowerInvariant()
            select NotInAnchor().Replace(heading, "").Replace(' ', '-')];

    [GeneratedRegex(@"\]\((?<path>[^)#\s]*)(#(?<anchor>[^)\s]+))?\)")]
    private static partial Regex Link();

    // A command in a block or in backquotes, up to what is no word of its name.
    [GeneratedRegex(
        @"(?<=(^|[ `$(]))csi-thin (?<words>(engine|node check|node|serve|controller|call|demo|(pool|volume) [a-z][a-z-]+))(?=[ `\n])",
        RegexOptions.Multiline)]
    private static partial Regex Command();

    [GeneratedRegex(@"[^a-z0-9 _-]")]
    private static partial Regex NotInAnchor();
}

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
    public void Every_command_exists_and_has_the_options_it_is_given()
    {
        var commands = (from document in Documents
                        from Match match in Command().Matches(File.ReadAllText(document).Replace("\\\n", "", StringComparison.Ordinal))
                        group Option().Matches(match.Groups["rest"].Value).Select(option => option.Value)
                            by match.Groups["words"].Value).ToList();
        Assert.True(commands.Count > 20, $"only {commands.Count} commands were found");
        Assert.True(commands.SelectMany(options => options).SelectMany(options => options).Distinct().Count() > 15, "hardly any options");
        var unknown = from command in commands
                      let help = Support.Program.Run([.. command.Key.Split(' '), "--help"])
                      from word in command.SelectMany(options => options).Distinct().Append($"csi-thin {command.Key}")
                      where help.ExitCode != 0 || !Regex.IsMatch(help.Output, $@"(?<![\w-]){Regex.Escape(word)}(?![\w-])")
                      select $"csi-thin {command.Key}: {word}";
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

    // A command in a block or in backquotes, up to what is no word of its name, and then what it is given, up to the next command.
    [GeneratedRegex(
        @"(?<=(^|[ `$(]))csi-thin (?<words>(engine|node (check|udev-rule)|node|serve|controller|call|demo|(pool|volume) [a-z][a-z-]+))"
        + @"(?=[ `\n])(?<rest>((?!csi-thin )[^`\n|;&#>])*)",
        RegexOptions.Multiline)]
    private static partial Regex Command();

    [GeneratedRegex(@"(?<=[ \[])--[a-z][a-z0-9-]+")]
    private static partial Regex Option();

    [GeneratedRegex(@"[^a-z0-9 _-]")]
    private static partial Regex NotInAnchor();
}

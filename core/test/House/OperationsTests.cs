using System.Text.RegularExpressions;
using Xunit;

namespace CsiThin.Core.Tests.House;

/// <summary>
/// <c>core/OPERATIONS.md</c> says which member of ours does what each function of the kernel's dm-thin-metadata.c does, and which test
/// shows it. Held here against the kernel's list, the members and the tests.
/// </summary>
public sealed partial class OperationsTests
{
    /// <summary>What dm-thin-metadata.c exports.</summary>
    private static readonly string[] Exported =
    [
        "dm_pool_metadata_open", "dm_pool_metadata_close", "dm_pool_create_thin", "dm_pool_create_snap", "dm_pool_delete_thin_device",
        "dm_pool_set_metadata_transaction_id", "dm_pool_get_metadata_transaction_id", "dm_pool_reserve_metadata_snap",
        "dm_pool_release_metadata_snap", "dm_pool_get_metadata_snap", "dm_pool_open_thin_device", "dm_pool_close_thin_device",
        "dm_thin_dev_id", "dm_thin_find_block", "dm_thin_find_mapped_range", "dm_thin_insert_block", "dm_thin_remove_block",
        "dm_thin_remove_range", "dm_pool_block_is_shared", "dm_pool_inc_data_range", "dm_pool_dec_data_range",
        "dm_thin_changed_this_transaction", "dm_pool_changed_this_transaction", "dm_thin_aborted_changes", "dm_pool_alloc_data_block",
        "dm_pool_commit_metadata", "dm_pool_abort_metadata", "dm_pool_get_free_block_count", "dm_pool_get_free_metadata_block_count",
        "dm_pool_get_metadata_dev_size", "dm_pool_get_data_dev_size", "dm_thin_get_mapped_count", "dm_thin_get_highest_mapped_block",
        "dm_pool_resize_data_dev", "dm_pool_resize_metadata_dev", "dm_pool_metadata_read_only", "dm_pool_metadata_read_write",
        "dm_pool_register_metadata_threshold", "dm_pool_metadata_set_needs_check", "dm_pool_metadata_needs_check",
        "dm_pool_issue_prefetches",
    ];

    private static readonly List<Row> Rows = Read(File.ReadAllText(Path.Combine(SourceTree.Root, "core", "OPERATIONS.md")));

    private static readonly string[] Lines =
        [.. SourceTree.CSharp.Where(file => !file.IsProduct).SelectMany(file => file.Code.Split('\n'))];

    [Fact]
    public void Every_exported_function_has_a_row() =>
        Assert.All(Exported, name => Assert.Contains(Rows, row => Regex.IsMatch(row.Kernel, $@"\b{name}\b")));

    [Fact]
    public void Every_row_names_members_that_are_there()
    {
        foreach (var (row, member) in Rows.SelectMany(row => row.Members.Select(member => (row, member))))
        {
            var parts = member.Split('.');
            Assert.True(parts.Length == 2 && IsDeclared(parts[0], parts[1]), $"{row.Kernel}: there is no {member}");
        }
        Assert.False(IsDeclared("ThinMetadata", "Format_"));
        Assert.False(IsDeclared("NoSuchType", "Format"));
    }

    [Fact]
    public void Every_row_names_tests_that_are_there()
    {
        foreach (var row in Rows)
        {
            Assert.NotEmpty(row.Members);
            Assert.NotEmpty(row.Tests);
            foreach (var test in row.Tests)
                Assert.True(
                    Lines.Any(line => line.Contains($" {test}(", StringComparison.Ordinal)), $"{row.Kernel}: there is no test {test}");
        }
    }

    private static bool IsDeclared(string type, string member)
    {
        var files = SourceTree.CSharp.Where(file =>
            file.IsIn("core/src") && Regex.IsMatch(file.Code, $@"\b(class|struct|record|enum)\s+{type}\b"));
        var declaration = new Regex($@"(\w[\w<>?\[\]]*\s+|^\s+){member}\b\s*(\(|=>|\{{|,|$|;)", RegexOptions.Multiline);
        return files.Any(file => declaration.IsMatch(file.Code));
    }

    private static List<Row> Read(string table) =>
    [
        .. from line in table.Split('\n')
           where line.StartsWith('|') && !line.StartsWith("|---", StringComparison.Ordinal)
           where !line.Contains("| here |", StringComparison.Ordinal)
           let cells = line.Trim('|').Split('|')
           select new Row(cells[0].Trim(), Quoted(cells[1]), Quoted(cells[2])),
    ];

    private static string[] Quoted(string cell) => [.. InBackticks().Matches(cell).Select(match => match.Groups[1].Value)];

    [GeneratedRegex("`([^`]+)`")]
    private static partial Regex InBackticks();

    private sealed record Row(string Kernel, string[] Members, string[] Tests);
}

using CsiThin.Core.Pool;
using CsiThin.Driver.Attach;
using CsiThin.Driver.Volumes;
using Xunit;

namespace CsiThin.Driver.Tests.Attach;

/// <summary>The journal of what the kernel has, through torn tails, damage and second engines.</summary>
public sealed class AttachmentJournalTests : IDisposable
{
    private static readonly Guid Pool = Guid.Parse("0123456789abcdef0123456789abcdef");
    private readonly string _directory = Directory.CreateTempSubdirectory("csithin-journal-").FullName;

    private string FilePath => Path.Combine(_directory, "attachments");

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public void What_was_added_and_not_removed_is_there_again_after_any_history()
    {
        var random = new Random(11);
        var expected = new Dictionary<ulong, Attachment>();
        for (var life = 0; life < 5; life++)
        {
            using var journal = AttachmentJournal.Open(_directory);
            Assert.Null(journal.SetAsidePath);
            Assert.Equal(Ordered(expected.Values), Ordered(journal.Entries));
            for (var i = 0; i < 300; i++)
            {
                var number = (ulong)random.Next(20);
                if (random.Next(2) == 0)
                    journal.Add(expected[number] = Of(number, random.Next(2) == 0, random.Next(2) == 0 ? 512 : 4096));
                else if (expected.Remove(number))
                    journal.Remove(new VolumeId(Pool, number));
            }
        }

        // Of 1500 records few are left.
        Assert.InRange(new FileInfo(FilePath).Length, 1, 20_000);
    }

    [Fact]
    public void A_torn_tail_of_any_length_loses_only_the_last_record()
    {
        Fill(3);
        var whole = File.ReadAllBytes(FilePath);
        var lastStart = Array.LastIndexOf(whole, (byte)'\n', whole.Length - 2) + 1;
        for (var length = lastStart; length < whole.Length; length++)
        {
            File.WriteAllBytes(FilePath, whole[..length]);
            using var journal = AttachmentJournal.Open(_directory);
            Assert.Null(journal.SetAsidePath);
            Assert.Equal([Of(0), Of(1)], journal.Entries);
            journal.Add(Of(9));
        }
    }

    [Fact]
    public void Damage_before_the_end_sets_the_file_aside_whatever_byte_it_hits()
    {
        Fill(3);
        var whole = File.ReadAllBytes(FilePath);
        var firstEnd = Array.IndexOf(whole, (byte)'\n');
        for (var at = 0; at < firstEnd; at++)
        {
            var damaged = whole.ToArray();
            damaged[at] ^= 0x40;
            File.WriteAllBytes(FilePath, damaged);
            using var journal = AttachmentJournal.Open(_directory);
            Assert.Equal(damaged, File.ReadAllBytes(journal.SetAsidePath!));
            Assert.Empty(journal.Entries);
        }
    }

    [Fact]
    public void A_second_engine_is_refused()
    {
        using var journal = AttachmentJournal.Open(_directory);
        Assert.Equal(VolumeError.Busy, Assert.Throws<VolumeException>(() => AttachmentJournal.Open(_directory)).Error);
    }

    [Fact]
    public void The_file_can_be_read_by_a_person()
    {
        Fill(1);
        Assert.EndsWith($" attach {Pool:N}-0 rw 512\n", File.ReadAllText(FilePath), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("thin.csithin.io/0123456789abcdef0123456789abcdef-12", true)]
    [InlineData("thin.csithin.io/0123456789abcdef0123456789abcdef-012", false)]
    [InlineData("0123456789abcdef0123456789abcdef-12", false)]
    [InlineData("", false)]
    [InlineData(null, false)]
    public void Only_our_own_devices_are_taken_for_ours(string? backend, bool isOurs)
    {
        Assert.Equal(isOurs, BackendName.TryParse(backend, out var volume));
        if (isOurs)
            Assert.Equal((new VolumeId(Pool, 12), backend), (volume, BackendName.Of(volume)));
    }

    private static Attachment Of(ulong number, bool readOnly = false, int blockBytes = 512) =>
        new(new VolumeId(Pool, number), readOnly, blockBytes);

    private static IEnumerable<Attachment> Ordered(IEnumerable<Attachment> entries) => entries.OrderBy(entry => entry.Volume.Number);

    private void Fill(ulong count)
    {
        using var journal = AttachmentJournal.Open(_directory);
        for (ulong number = 0; number < count; number++)
            journal.Add(Of(number));
    }
}

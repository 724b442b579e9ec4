namespace CsiThin.Core.Pool;

/// <summary>What an earlier life of this process left behind, taken up before anybody is served.</summary>
public sealed partial class ThinPool
{
    /// <summary>Takes up what is left. When that fails, disk and metadata are the caller's again.</summary>
    private static ThinPool Start(ThinPool pool, string? mappingLogDirectory)
    {
        try
        {
            if (mappingLogDirectory is not null && pool.Mode < PoolMode.ReadOnly)
                pool.ReplayMappings(mappingLogDirectory);
            pool.Recover();
            return pool;
        }
        catch
        {
            pool._worker.Dispose();
            pool._state.MappingLog?.Dispose();
            throw;
        }
    }

    /// <summary>
    /// What was acknowledged and not committed when the last life of this process ended is committed now. A log that does not fit is no
    /// reason to lose it silently: the pool stays closed, <see cref="PoolError.Corrupt"/>, and the message names the file.
    /// </summary>
    private void ReplayMappings(string directory)
    {
        MappingLog log;
        try
        {
            log = MappingLog.Open(directory, Uuid);
        }
        catch (Exception lacking) when (lacking is IOException or UnauthorizedAccessException)
        {
            _state.Log($"What is not flushed would not outlive this process, for want of a log in {directory}: {lacking.Message}");
            return;
        }
        _state.MappingLog = log;
        if (log.Count == 0)
            return;
        try
        {
            // Not at once with the commit: what does not fit must leave the disk as it is.
            if (_worker.Invoke(() => log.Replay(_state.Metadata), commits: false) is > 0 and var records)
            {
                Flush();
                _state.Log($"The last life of this process left {records} acknowledged changes uncommitted; they are committed now.");
            }
        }
        catch (PoolException e)
        {
            throw new PoolException(
                PoolError.Corrupt,
                $"Pool {Uuid:N} has acknowledged writes in {directory} that do not fit its metadata ({e.Message}); " +
                $"to open it without them, remove {Uuid:N}.mappings there.", e);
        }
    }
}

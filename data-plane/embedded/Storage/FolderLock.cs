using System.Globalization;
using Brokkr.Core.Log;

namespace Brokkr.Embedded.Storage;

/// <summary>
/// Keeps a data folder to one process. The operating system releases the lock when the process ends, however it ends, so there is never a stale one.
/// </summary>
internal sealed class FolderLock : IDisposable
{
    private const string FileName = "brokkr.lock";
    private readonly FileStream _file;

    private FolderLock(FileStream file) => _file = file;

    /// <summary>Takes the lock, creating the folder if it is missing.</summary>
    /// <exception cref="LogConfigurationException">Another process has it, or the folder cannot be written to.</exception>
    public static FolderLock Take(string folder)
    {
        var path = Path.Combine(folder, FileName);
        try
        {
            Directory.CreateDirectory(folder);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new LogConfigurationException($"the data folder {folder} cannot be created: {e.Message}", e);
        }

        FileStream file;
        try
        {
            file = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, bufferSize: 0);
        }
        catch (UnauthorizedAccessException e)
        {
            throw new LogConfigurationException($"the data folder {folder} cannot be written to: {e.Message}", e);
        }
        catch (IOException e)
        {
            throw new LogConfigurationException(
                $"the data folder {folder} is in use by another process{Owner(path)}: stop that process, or choose another data folder",
                e
            );
        }

        // For people who look into the file, and for the message above.
        file.SetLength(0);
        file.Write(System.Text.Encoding.ASCII.GetBytes(Environment.ProcessId.ToString(CultureInfo.InvariantCulture) + "\n"));
        return new FolderLock(file);
    }

    public void Dispose() => _file.Dispose();

    private static string Owner(string path)
    {
        try
        {
            using var reader = new StreamReader(new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite));
            return int.TryParse(reader.ReadLine(), CultureInfo.InvariantCulture, out var process)
                ? string.Create(CultureInfo.InvariantCulture, $" (process {process})")
                : "";
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Where a locked file cannot be read the message does without the number.
            return "";
        }
    }
}
